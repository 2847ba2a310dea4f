/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * zoneword: the words that clocks show for their zone.
 *
 * A word is in this table if every place that has shown it since the year 2000 (in the tz database)
 * was as far from UTC, and PostgreSQL's default list says nothing else. PST and KST are as
 * PostgreSQL has them, though Manila and Pyongyang showed them too. Words that several zones share
 * (CST, CDT, IST), or whose offset changed (MSK), are not here: whoever guessed would be wrong by
 * hours, without a word.
 */
#include <strings.h>
#include "base/time.h"

#define HM(h, m) ((h)*3600 + ((h) < 0 ? -(m) : (m)) * 60)

static const struct {
    char word[5];
    int32_t offset; /* seconds east of UTC */
} words[] = {
    {"UTC", 0},
    {"UCT", 0},
    {"UT", 0},
    {"GMT", 0},
    {"Z", 0},
    {"ZULU", 0},
    {"WET", 0},
    {"WEST", HM(1, 0)},
    {"BST", HM(1, 0)},
    {"CET", HM(1, 0)},
    {"MET", HM(1, 0)},
    {"MEZ", HM(1, 0)},
    {"WAT", HM(1, 0)},
    {"CEST", HM(2, 0)},
    {"MEST", HM(2, 0)},
    {"MESZ", HM(2, 0)},
    {"EET", HM(2, 0)},
    {"CAT", HM(2, 0)},
    {"SAST", HM(2, 0)},
    {"EEST", HM(3, 0)},
    {"IDT", HM(3, 0)},
    {"EAT", HM(3, 0)},
    {"PKT", HM(5, 0)},
    {"PKST", HM(6, 0)},
    {"WIB", HM(7, 0)},
    {"WITA", HM(8, 0)},
    {"AWST", HM(8, 0)},
    {"HKT", HM(8, 0)},
    {"SGT", HM(8, 0)},
    {"WIT", HM(9, 0)},
    {"JST", HM(9, 0)},
    {"KST", HM(9, 0)},
    {"ACST", HM(9, 30)},
    {"ACDT", HM(10, 30)},
    {"AEST", HM(10, 0)},
    {"AEDT", HM(11, 0)},
    {"NZST", HM(12, 0)},
    {"NZDT", HM(13, 0)},
    {"NDT", HM(-2, 30)},
    {"NST", HM(-3, 30)},
    {"ADT", HM(-3, 0)},
    {"AST", HM(-4, 0)},
    {"EDT", HM(-4, 0)},
    {"EST", HM(-5, 0)},
    {"MDT", HM(-6, 0)},
    {"MST", HM(-7, 0)},
    {"PDT", HM(-7, 0)},
    {"PST", HM(-8, 0)},
    {"AKDT", HM(-8, 0)},
    {"AKST", HM(-9, 0)},
    {"HST", HM(-10, 0)},
    {"SST", HM(-11, 0)},
};

int sl_zone_word(const char *s, size_t n, int32_t *offset)
{
    for (size_t i = 0; i < SL_COUNT(words); i++)
        if (strnlen(words[i].word, sizeof words[i].word) == n &&
            strncasecmp(words[i].word, s, n) == 0) {
            *offset = words[i].offset;
            return 1;
        }
    return 0;
}
