// SPDX-License-Identifier: MIT
#include "run/live_report.h"

#include "run/campaign.h"
#include "vkgrid/base/clock.h"

#include <math.h>
#include <stdlib.h>

#define SECONDS \
    30.0           // between two reports (VKGRID_REPORT_SECONDS); without an ended cell twice that
#define SHARE 0.01 // of the time, at most

static double least_seconds(void)
{
    const char *text = getenv("VKGRID_REPORT_SECONDS");
    const double seconds = text && *text ? strtod(text, NULL) : SECONDS;
    return seconds >= 0 ? seconds : SECONDS;
}

static bool is_due(struct campaign *campaign, double now)
{
    const struct live_report *report = &campaign->report;
    const double least = least_seconds() * (report->ended ? 1 : 2);
    return campaign->options->report && !report->writing &&
           now - report->last >= fmax(least, report->took / SHARE);
}

void live_report(struct campaign *campaign)
{
    struct live_report *report = &campaign->report;
    const double start = seconds_now();
    pthread_mutex_lock(&campaign->lock);
    const bool due = is_due(campaign, start);
    if (due) {
        report->writing = true;
        report->ended = false;
    }
    pthread_mutex_unlock(&campaign->lock);
    if (!due)
        return;
    campaign->options->report(campaign->options->report_context);
    pthread_mutex_lock(&campaign->lock);
    report->last = seconds_now();
    report->took = report->last - start;
    report->writing = false;
    pthread_mutex_unlock(&campaign->lock);
}
