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
    int32_t offset; /* seconds east of UTC */
    const char *words;
} zones[] = {
    {0, "UTC UCT UT GMT Z ZULU WET"},
    {HM(1, 0), "WEST BST CET MET MEZ WAT"},
    {HM(2, 0), "CEST MEST MESZ EET CAT SAST"},
    {HM(3, 0), "EEST IDT EAT"},
    {HM(5, 0), "PKT"},
    {HM(6, 0), "PKST"},
    {HM(7, 0), "WIB"},
    {HM(8, 0), "WITA AWST HKT SGT"},
    {HM(9, 0), "WIT JST KST"},
    {HM(9, 30), "ACST"},
    {HM(10, 30), "ACDT"},
    {HM(10, 0), "AEST"},
    {HM(11, 0), "AEDT"},
    {HM(12, 0), "NZST"},
    {HM(13, 0), "NZDT"},
    {HM(-2, 30), "NDT"},
    {HM(-3, 30), "NST"},
    {HM(-3, 0), "ADT"},
    {HM(-4, 0), "AST EDT"},
    {HM(-5, 0), "EST"},
    {HM(-6, 0), "MDT"},
    {HM(-7, 0), "MST PDT"},
    {HM(-8, 0), "PST AKDT"},
    {HM(-9, 0), "AKST"},
    {HM(-10, 0), "HST"},
    {HM(-11, 0), "SST"},
};

int sl_word_among(const char *words, const char *s, size_t n)
{
    assert(words && (s || !n));
    for (size_t k; *words; words += k + (words[k] == ' ')) {
        k = strcspn(words, " ");
        if (k == n && strncasecmp(words, s, n) == 0)
            return 1;
    }
    return 0;
}

int sl_zone_word(const char *s, size_t n, int32_t *offset)
{
    assert((s || !n) && offset);
    for (size_t i = 0; i < SL_COUNT(zones); i++)
        if (sl_word_among(zones[i].words, s, n)) {
            *offset = zones[i].offset;
            return 1;
        }
    return 0;
}
