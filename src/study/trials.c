// SPDX-License-Identifier: MIT
#include "vkgrid/study/trials.h"

#include "vkgrid/base/error.h"
#include "vkgrid/base/interrupt.h"
#include "vkgrid/base/json.h"
#include "vkgrid/base/memory.h"
#include "vkgrid/grid/alike.h"
#include "vkgrid/grid/axis.h"
#include "vkgrid/grid/spans.h"
#include "vkgrid/study/paths.h"

#include <cjson/cJSON.h>
#include <stdlib.h>
#include <string.h>

static void make_scores(struct trials *trials)
{
    const int count = trials->grid->cell_count;
    free(trials->scores);
    trials->scores = mem_zalloc((size_t)count + 1, sizeof(*trials->scores));
    for (int i = 0; i < count; i++) {
        trials->scores[i] = score_none(i);
        trials->scores[i].outside = grid_outside(trials->grid, i);
    }
}

void trials_init(struct trials *trials, struct grid *grid)
{
    *trials = (struct trials){.grid = grid, .rank_by = rank_by_default(grid)};
    make_scores(trials);
}

void trials_free(struct trials *trials)
{
    leaders_free(&trials->leaders);
    grown_free(&trials->grown);
    for (int i = 0; i < trials->answer_count; i++)
        free(trials->answers[i].refused);
    free(trials->answers);
    free(trials->scores);
    *trials = (struct trials){0};
}

bool trials_place(struct trials *trials, struct store *store, const struct cJSON *old,
                  const char *out)
{
    const bool found = grown_find(&trials->grown, trials->grid, store, old, out);
    make_scores(trials);
    return found;
}

// The best of a task whose leader came to less than it was.
static void find_leader(struct trials *trials, struct leader *leader)
{
    leader->score = score_none(-1);
    for (int i = 0; i < trials->grid->cell_count; i++) {
        const struct score *score = &trials->scores[i];
        struct cell cell;
        if (!score_ranks(score) ||
            (score_ranks(&leader->score) && !score_before(score, &leader->score)) ||
            !grid_cell(trials->grid, i, &cell))
            continue;
        char *task = cell_task(&cell);
        if (strcmp(task, leader->task) == 0)
            leader->score = *score;
        free(task);
        cell_free(&cell);
    }
}

int trials_finish(struct trials *trials, const struct cell *cell, const struct score *score)
{
    struct leader *leader = leaders_of(&trials->leaders, cell);
    const bool led = score_ranks(&leader->score) && leader->score.cell == cell->number;
    trials->scores[cell->number] = *score;
    if (!led)
        return leaders_take(&trials->leaders, cell, score);
    const bool worse = !score_ranks(score) || score_before(&leader->score, score);
    leader->score = *score; // it was opened again
    if (worse)
        find_leader(trials, leader);
    return leader->score.cell == cell->number ? -1 : cell->number;
}

// --- Reading ------------------------------------------------------------------------------------

bool trials_add(struct trials *trials, const cJSON *values)
{
    if (!grid_add_cell(trials->grid, values))
        return false;
    const int cell = trials->grid->cell_count - 1;
    trials->scores = mem_grow(trials->scores, (size_t)cell + 1, sizeof(*trials->scores));
    trials->scores[cell] = score_none(cell);
    return true;
}

static bool add_optunas_cell(struct trials *trials, const struct store_trial *trial)
{
    cJSON *values = NULL;
    const bool added =
        json_parse(trial->options, strlen(trial->options), STUDY_DATABASE, &values) &&
        trials_add(trials, values);
    cJSON_Delete(values);
    return added;
}

// What the reading of trials needs.
struct reader {
    struct trials *trials;
    const char *out;
    bool retry_failed, unprune;
    struct alike *alike;
    int *leaders, tasks; // [class of cells] which of the leaders is of their task
    size_t room;         // of leaders
};

// Takes a finished cell into account. Only one of a task that is new, or that leads it, has to be
// looked at.
static bool take_finished(struct reader *reader, const struct score *score)
{
    struct leaders *leaders = &reader->trials->leaders;
    struct cell cell;
    const int class = alike_class(reader->alike, score->cell);
    if (class < reader->tasks) {
        const struct score *best = &leaders->items[reader->leaders[class]].score;
        if (!score_ranks(score) || (score_ranks(best) && !score_before(score, best)))
            return true;
    }
    if (!grid_cell(reader->trials->grid, score->cell, &cell))
        return false;
    leaders_take(leaders, &cell, score);
    if (class == reader->tasks) {
        reader->leaders = mem_reserve(reader->leaders, &reader->room, (size_t) class + 1,
                                      sizeof(*reader->leaders));
        reader->leaders[reader->tasks++] = (int)(leaders_of(leaders, &cell) - leaders->items);
    }
    cell_free(&cell);
    return true;
}

static bool read_trial(void *context, const struct store_trial *trial)
{
    struct reader *reader = context;
    struct trials *trials = reader->trials;
    struct score score;
    bool has_weights;
    if (interrupt_requested())
        return error_set("interrupted");
    if (trials->grid->sampler == SAMPLER_OPTUNA && trial->cell == trials->grid->cell_count &&
        !add_optunas_cell(trials, trial))
        return false;
    trials->known = trial->cell + 1;
    if (trial->cell < 0 || trial->cell >= trials->grid->cell_count)
        return error_set("%s: has %d cells and more, the grid has %d: more --trials are needed",
                         reader->out, trial->cell + 1, trials->grid->cell_count);
    if (!score_read(trial, STUDY_DATABASE, &score, &has_weights))
        return false;
    score_rank(&score, trials->rank_by);
    score.outside = grid_outside(trials->grid, trial->cell);
    score.again =
        !score.outside && ((score.state == TRIAL_FAIL && (reader->retry_failed || score.unable)) ||
                           (score.state == TRIAL_PRUNED && reader->unprune));
    trials->scores[trial->cell] = score;
    return !score_finished(&score) || score.outside || take_finished(reader, &score);
}

// The task of a cell: "<inputs>_<prediction>". The caller frees it.
static char *task_of(const struct grid *grid, const cJSON *values)
{
    static const char *const parts[] = {"inputs", "prediction"};
    const char *texts[2];
    for (int i = 0; i < 2; i++) {
        const cJSON *value = json_member(values, parts[i]);
        if (!value)
            value = json_member(json_member(grid->json, "static"), parts[i]);
        texts[i] = cJSON_IsString(value) ? value->valuestring : "?";
    }
    return text_format("%s_%s", texts[0], texts[1]);
}

static int choices(const struct grid *grid, const char *key, const cJSON **list)
{
    *list = json_member(json_member(grid->json, "hyper"), key);
    return *list ? cJSON_GetArraySize(*list) : 1;
}

// Calls `each` with every task of the grid and the values of inputs and prediction that make it.
static bool each_task(const struct grid *grid,
                      bool (*each)(void *context, const char *task, const cJSON *values),
                      void *context)
{
    const cJSON *inputs, *predictions;
    const int input_count = choices(grid, "inputs", &inputs),
              prediction_count = choices(grid, "prediction", &predictions);
    bool good = true;
    for (int i = 0; good && i < input_count * prediction_count; i++) {
        cJSON *values = cJSON_CreateObject();
        if (inputs)
            cJSON_AddItemToObject(
                values, "inputs",
                cJSON_Duplicate(cJSON_GetArrayItem(inputs, i % input_count), true));
        if (predictions)
            cJSON_AddItemToObject(
                values, "prediction",
                cJSON_Duplicate(cJSON_GetArrayItem(predictions, i / input_count), true));
        char *task = task_of(grid, values);
        good = each(context, task, values);
        free(task);
        cJSON_Delete(values);
    }
    return good;
}

struct wanted_task {
    const char *name;
    cJSON *values;
};

static bool match_task(void *context, const char *task, const cJSON *values)
{
    struct wanted_task *wanted = context;
    if (!wanted->values && strcmp(task, wanted->name) == 0)
        wanted->values = cJSON_Duplicate(values, true);
    return true;
}

// The values of the cell that a trial of Optuna's asks for. The caller deletes them.
static bool read_values(const struct grid *grid, const struct store_request *request,
                        cJSON **values)
{
    struct wanted_task wanted = {.name = request->task};
    cJSON *given = NULL;
    const cJSON *item;
    each_task(grid, match_task, &wanted);
    *values = wanted.values;
    if (!wanted.values)
        FAIL("%s: no task of the grid", request->task);
    if (!*request->values)
        FAIL("it has no fixed_params");
    CHECK(json_parse(request->values, strlen(request->values), "fixed_params", &given));
    CHECK(json_expect_object(given, "fixed_params"));
    cJSON_ArrayForEach(item, given)
    {
        if (!json_member(wanted.values, item->string))
            cJSON_AddItemToObject(wanted.values, item->string, cJSON_Duplicate(item, true));
    }
    cJSON_Delete(given);
    return true;
error:
    cJSON_Delete(given);
    return false;
}

static void refuse(struct answer *answer, const struct store_request *request)
{
    char *name = text_format("trial %d of %s", request->number, request->task);
    answer->refused = text_format("%s: %s", name, error_text());
    answer->why = answer->refused + strlen(name) + 2;
    free(name);
}

// A trial that Optuna has put in the queue becomes a cell, or is refused.
static bool read_request(void *context, const struct store_request *request)
{
    const struct reader *reader = context;
    struct trials *trials = reader->trials;
    struct answer answer = {.trial = request->id, .cell = -1};
    cJSON *values = NULL;
    if (read_values(trials->grid, request, &values) && trials_add(trials, values))
        answer.cell = trials->grid->cell_count - 1;
    else
        refuse(&answer, request);
    trials->answers = mem_grow(trials->answers, (size_t)trials->answer_count + 1, sizeof(answer));
    trials->answers[trials->answer_count++] = answer;
    cJSON_Delete(values);
    return true;
}

bool trials_read(struct trials *trials, struct store *store, const char *out, bool retry_failed,
                 bool unprune)
{
    struct reader reader = {trials, out, retry_failed, unprune,
                            .alike = alike_new(trials->grid, PURPOSE_TASK)};
    const bool read =
        store_trials(store, read_trial, &reader) &&
        grown_reopen(&trials->grown, trials->grid, store, trials->scores) &&
        (trials->grid->sampler != SAMPLER_OPTUNA || store_requests(store, read_request, &reader));
    alike_free(&reader.alike);
    free(reader.leaders);
    return read;
}

// --- Writing ------------------------------------------------------------------------------------

// What is equal for all trials, made once: a grid may have a million of them.
struct writer {
    struct trials *trials;
    struct store *store;
    const struct axis *axes; // those of the grid, as wide as the study is
    char **distributions;    // [axis]
    int **choices; // [axis][place in its list] axis_value() + 1, 0: not asked yet; NULL: of
                   // an axis of numbers
};

static struct writer writer_new(struct trials *trials, const struct axis *axes, struct store *store)
{
    const struct grid *grid = trials->grid;
    const size_t count = (size_t)grid->axis_count + 1;
    struct writer writer = {trials, store, axes, mem_zalloc(count, sizeof(*writer.distributions)),
                            mem_zalloc(count, sizeof(*writer.choices))};
    for (int i = 0; i < grid->axis_count; i++) {
        const struct axis *axis = &axes[i];
        writer.distributions[i] = axis_distribution(axis);
        if (axis->kind == AXIS_CHOICE)
            writer.choices[i] = mem_zalloc((size_t)axis->count, sizeof(**writer.choices));
    }
    return writer;
}

static void writer_free(struct writer *writer)
{
    for (int i = 0; i < writer->trials->grid->axis_count; i++) {
        free(writer->distributions[i]);
        free(writer->choices[i]);
    }
    free(writer->distributions);
    free(writer->choices);
}

static double param_value(struct writer *writer, int cell, int axis, const cJSON *value)
{
    const struct grid *grid = writer->trials->grid;
    const int place = writer->choices[axis] ? grid_place(grid, cell, axis) : -1;
    if (place < 0)
        return axis_value(&writer->axes[axis], value);
    int *choice = &writer->choices[axis][place];
    if (!*choice)
        *choice = (int)axis_value(&writer->axes[axis], value) + 1;
    return *choice - 1;
}

// Inputs and prediction name the task; the other axes are the trial's parameters.
static int list_params(struct writer *writer, int cell, const cJSON *values,
                       struct store_param *params)
{
    const struct grid *grid = writer->trials->grid;
    int count = 0;
    for (int i = 0; i < grid->axis_count; i++) {
        const char *key = grid->axes[i].key;
        if (strcmp(key, "inputs") == 0 || strcmp(key, "prediction") == 0)
            continue;
        params[count++] = (struct store_param){
            .name = key,
            .distribution = writer->distributions[i],
            .value = param_value(writer, cell, i, json_member(values, key)),
        };
    }
    return count;
}

// trial: that which Optuna made for the cell, or -1 for a new one.
static bool write_trial(struct writer *writer, int cell, int64_t trial)
{
    const struct grid *grid = writer->trials->grid;
    cJSON *values = grid_values(grid, cell), *fixed = NULL;
    struct store_param *params = mem_zalloc((size_t)grid->axis_count + 1, sizeof(*params));
    char *task = task_of(grid, values);
    const int count = list_params(writer, cell, values, params);
    int64_t id;
    bool written;
    if (json_member(values, "inputs") || json_member(values, "prediction")) {
        fixed = cJSON_Duplicate(values, true); // but for these, which are no parameters of Optuna's
        cJSON_DeleteItemFromObjectCaseSensitive(fixed, "inputs");
        cJSON_DeleteItemFromObjectCaseSensitive(fixed, "prediction");
    }
    if (trial < 0)
        written =
            store_task(writer->store, task, &id) &&
            store_add_trial(writer->store, id, cell, values, fixed ? fixed : values, params, count);
    else
        written = store_adopt(writer->store, trial, cell, values, params, count);
    free(params);
    free(task);
    cJSON_Delete(values);
    cJSON_Delete(fixed);
    return written;
}

bool trials_write_last(struct trials *trials, struct store *store)
{
    struct spans spans;
    if (!spans_make(trials->grid, &spans))
        return false;
    struct writer writer = writer_new(trials, spans.axes, store);
    const bool written = write_trial(&writer, trials->grid->cell_count - 1, -1);
    writer_free(&writer);
    spans_free(&spans);
    return written;
}

static bool write_task(void *context, const char *task, const cJSON *values)
{
    int64_t id;
    (void)values;
    return store_task(context, task, &id);
}

static bool write_answers(struct writer *writer)
{
    const struct trials *trials = writer->trials;
    for (int i = 0; i < trials->answer_count; i++) {
        const struct answer *answer = &trials->answers[i];
        if (!(answer->refused ? store_refuse(writer->store, answer->trial, answer->why)
                              : write_trial(writer, answer->cell, answer->trial)))
            return false;
    }
    return true;
}

static bool write_cells(struct writer *writer)
{
    const struct trials *trials = writer->trials;
    for (int i = 0; i < trials->grid->cell_count; i++) {
        const bool fresh = trials->grid->sampler != SAMPLER_OPTUNA && i >= trials->known;
        const bool retried = trials->scores[i].again && trials->scores[i].state == TRIAL_FAIL;
        if (interrupt_requested())
            return error_set("interrupted");
        if (fresh && trials->show)
            trials->show(trials->show_context, i, trials->grid->cell_count);
        if ((fresh && !write_trial(writer, i, -1)) ||
            (retried && (!store_clear_cell(writer->store, i) || !write_trial(writer, i, -1))))
            return false;
    }
    return true;
}

bool trials_write(struct trials *trials, struct store *store)
{
    struct spans spans;
    if (!spans_make(trials->grid, &spans))
        return false;
    struct writer writer = writer_new(trials, spans.axes, store);
    const bool written = grown_write(&trials->grown, trials->grid, spans.axes, store) &&
                         each_task(trials->grid, write_task, store) && write_answers(&writer) &&
                         write_cells(&writer);
    writer_free(&writer);
    spans_free(&spans);
    return written;
}
