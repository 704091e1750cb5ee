// SPDX-License-Identifier: MIT
#include "vkgrid/cortex/subject.h"

#include "vkgrid/base/error.h"
#include "vkgrid/base/file.h"
#include "vkgrid/base/memory.h"

#include <stdlib.h>
#include <string.h>

const char *const hemisphere_names[HEMISPHERES] = {"lh", "rh"};
static const char *const side_names[HEMISPHERES] = {"L", "R"};

const char *const subject_file_names[SUBJECT_FILES] = {"white", "pial",      "sphere", "curv",
                                                       "sulc",  "thickness", "area"};

// What recon-all writes.
static const struct subject_patterns freesurfer = {
    {"surf/{hemi}.white", "surf/{hemi}.pial", "surf/{hemi}.sphere.reg", "surf/{hemi}.curv",
     "surf/{hemi}.sulc", "surf/{hemi}.thickness", "surf/{hemi}.area.mid"}};

// What the Human Connectome Project's pipelines write: FreeSurfer's mesh in the subject's own
// space, its registration to fsaverage, and maps of which neuropythy takes the same files.
#define HCP "MNINonLinear/Native/{subject}.{side}."
static const struct subject_patterns connectome = {
    {"T1w/Native/{subject}.{side}.white.native.surf.gii",
     "T1w/Native/{subject}.{side}.pial.native.surf.gii", HCP "sphere.reg.native.surf.gii",
     HCP "curvature.native.shape.gii", HCP "sulc.native.shape.gii",
     HCP "corrThickness.native.shape.gii", NULL}};

static bool has_folder(const char *folder, const char *name)
{
    char *path = text_format("%s/%s", folder, name);
    const bool has = folder_exists(path);
    free(path);
    return has;
}

// The path's last part, a link's own name too; of "." and "bert/.." that of the real path.
static bool name_of(const char *folder, char **name)
{
    const char *slash = strrchr(folder, '/'), *last = slash ? slash + 1 : folder;
    char *whole = *last == '.' || !*last ? realpath(folder, NULL) : NULL;
    if (whole) {
        slash = strrchr(whole, '/');
        last = slash + 1;
    }
    *name = text_copy(last);
    free(whole);
    return (**name && **name != '.') ||
           error_set(
               "%s: its name is that of its images: one that does not begin with a dot "
               "is needed",
               folder);
}

static bool choose_patterns(const char *folder, const struct subject_patterns *given,
                            struct subject *subject)
{
    const bool usual = has_folder(folder, "surf");
    subject->hcp = !usual && has_folder(folder, "MNINonLinear/Native");
    bool named = false;
    for (int i = 0; i < SUBJECT_FILES; i++) {
        const char *own = given ? given->files[i] : NULL;
        subject->named[i] = own;
        named |= own != NULL;
        subject->patterns.files[i] = own ? own : (subject->hcp ? connectome : freesurfer).files[i];
    }
    return usual || subject->hcp || named ||
           error_set(
               "%s: neither a FreeSurfer subject, which has a folder surf, nor one of the "
               "HCP, which has MNINonLinear/Native",
               folder);
}

// Where the subject's folder is: the path as it is, without slashes at its end, or, as FreeSurfer's
// tools have it, a name that is no folder here in SUBJECTS_DIR. The caller frees it.
static bool find_folder(const char *named, char **found)
{
    const char *base = getenv("SUBJECTS_DIR");
    char *folder = *found = text_copy(named);
    for (size_t end = strlen(folder); end > 1 && folder[end - 1] == '/'; end--)
        folder[end - 1] = 0;
    if (folder_exists(folder))
        return true;
    if (strchr(folder, '/') || !*folder || *folder == '.')
        return error_set("%s: no such folder: that of a FreeSurfer subject is needed", named);
    if (!base || !*base)
        return error_set(
            "%s: no such folder: that of a FreeSurfer subject is needed, or its name where the "
            "environment's SUBJECTS_DIR says where subjects are",
            named);
    *found = text_format("%s/%s", base, folder);
    free(folder);
    return folder_exists(*found) ||
           error_set("%s: no such folder, neither here nor in SUBJECTS_DIR (%s)", named, base);
}

bool subject_open(const char *folder, const struct subject_patterns *patterns,
                  struct subject *subject)
{
    *subject = (struct subject){0};
    CHECK(find_folder(folder, &subject->folder));
    CHECK(name_of(subject->folder, &subject->name));
    CHECK(choose_patterns(subject->folder, patterns, subject));
    return true;
error:
    subject_close(subject);
    return false;
}

void subject_close(struct subject *subject)
{
    free(subject->folder);
    free(subject->name);
    *subject = (struct subject){0};
}

// The pattern with its names filled in.
static char *expand(const struct subject *subject, const char *pattern, int hemisphere)
{
    const struct {
        const char *name, *value;
    } words[] = {{"{hemi}", hemisphere_names[hemisphere]},
                 {"{side}", side_names[hemisphere]},
                 {"{subject}", subject->name}};
    struct text path = {0};
    text_add(&path, "%s", "");
    while (*pattern) {
        size_t taken = 0;
        for (size_t i = 0; i < sizeof(words) / sizeof(*words) && !taken; i++) {
            const size_t length = strlen(words[i].name);
            if (strncmp(pattern, words[i].name, length) == 0) {
                text_add(&path, "%s", words[i].value);
                taken = length;
            }
        }
        if (!taken) {
            taken = 1 + strcspn(pattern + 1, "{");
            text_add(&path, "%.*s", (int)taken, pattern);
        }
        pattern += taken;
    }
    return path.bytes;
}

static bool names_hemisphere(const char *pattern)
{
    return strstr(pattern, "{hemi}") || strstr(pattern, "{side}");
}

bool subject_pattern_check(const char *what, const char *pattern)
{
    return !strchr(pattern, '/') || names_hemisphere(pattern) ||
           error_set(
               "%s: \"%s\" would be one file for both hemispheres: {hemi} (lh, rh) or {side} "
               "(L, R) is needed in it",
               what, pattern);
}

bool subject_path(const struct subject *subject, const char *pattern, int hemisphere, char **path)
{
    static const char *const places[] = {"surf", "label"};
    char *name = expand(subject, pattern, hemisphere);
    *path = NULL;
    if (strchr(pattern, '/')) {
        *path = *name == '/' ? text_copy(name) : text_format("%s/%s", subject->folder, name);
        free(name);
        return true;
    }
    const bool whole = names_hemisphere(pattern);
    for (size_t i = 0; i < sizeof(places) / sizeof(*places) && !*path; i++) {
        char *there =
            text_format("%s/%s/%s%s%s", subject->folder, places[i],
                        whole ? "" : hemisphere_names[hemisphere], whole ? "" : ".", name);
        if (file_exists(there))
            *path = there;
        else
            free(there);
    }
    if (!*path)
        error_set("%s: neither surf nor label has %s%s%s", subject->folder,
                  whole ? "" : hemisphere_names[hemisphere], whole ? "" : ".", name);
    free(name);
    return *path;
}

// What is missing, and what would do in its place.
static bool missing(const struct subject *subject, enum subject_file file, int hemisphere,
                    const char *path)
{
    if (file == FILE_SPHERE && !subject->named[file] && !subject->hcp) {
        char *raw = text_format("%s/surf/%s.sphere", subject->folder, hemisphere_names[hemisphere]);
        const bool unregistered = file_exists(raw);
        free(raw);
        if (unregistered)
            return error_set(
                "%s: no such file, and %s.sphere is not registered to fsaverage: "
                "recon-all -surfreg registers it",
                path, hemisphere_names[hemisphere]);
    }
    return error_set(
        "%s: no such file: the subject's %s is needed (--file %s=PATTERN names "
        "another)",
        path, subject_file_names[file], subject_file_names[file]);
}

bool subject_file_path(const struct subject *subject, enum subject_file file, int hemisphere,
                       char **path)
{
    *path = NULL;
    if (!subject->patterns.files[file])
        return true;
    if (!subject_path(subject, subject->patterns.files[file], hemisphere, path))
        return false;
    if (file_exists(*path))
        return true;
    const bool optional = file == FILE_AREA && !subject->named[file];
    if (!optional)
        missing(subject, file, hemisphere, *path);
    free(*path);
    *path = NULL;
    return optional;
}
