// SPDX-License-Identifier: MIT
#include "base/json_syntax.h"

#include "vkgrid/base/error.h"
#include "vkgrid/base/json.h"

#include <string.h>

struct scanner {
    const char *text, *at, *end;
    const char *where;
    int depth;
};

static bool complain(const struct scanner *scanner, const char *what)
{
    int line = 1, column = 1;
    for (const char *p = scanner->text; p < scanner->at; p++) {
        column = *p == '\n' ? 1 : column + 1;
        line += *p == '\n';
    }
    if (scanner->at == scanner->end)
        return error_set("%s: line %d, column %d: the file ends here: %s", scanner->where, line,
                         column, what);
    return error_set("%s: line %d, column %d: %s", scanner->where, line, column, what);
}

// The next byte, 0 at the end: a real 0 is nowhere allowed, so that both end in a complaint.
static char peek(const struct scanner *scanner)
{
    return scanner->at < scanner->end ? *scanner->at : 0;
}

static void skip_space(struct scanner *scanner)
{
    while (scanner->at < scanner->end && memchr(" \t\r\n", *scanner->at, 4))
        scanner->at++;
}

static bool digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool take_digits(struct scanner *scanner)
{
    if (!digit(peek(scanner)))
        return complain(scanner, "a digit is expected");
    while (digit(peek(scanner)))
        scanner->at++;
    return true;
}

static bool take_number(struct scanner *scanner)
{
    if (peek(scanner) == '-')
        scanner->at++;
    if (peek(scanner) == '0')
        scanner->at++;
    else if (!take_digits(scanner))
        return false;
    if (digit(peek(scanner)))
        return complain(scanner, "a number must not begin with 0");
    if (peek(scanner) == '.') {
        scanner->at++;
        if (!take_digits(scanner))
            return false;
    }
    if (peek(scanner) == 'e' || peek(scanner) == 'E') {
        scanner->at++;
        if (peek(scanner) == '+' || peek(scanner) == '-')
            scanner->at++;
        return take_digits(scanner);
    }
    return true;
}

static bool take_escape(struct scanner *scanner)
{
    const char c = peek(scanner);
    if (c == 0 || !strchr("\"\\/bfnrtu", c))
        return complain(scanner, "an escape is one of \\\" \\\\ \\/ \\b \\f \\n \\r \\t \\uXXXX");
    scanner->at++;
    if (c != 'u')
        return true;
    bool zero = true;
    for (int i = 0; i < 4; i++, scanner->at++) {
        const char hex = peek(scanner);
        if (hex == 0 || !strchr("0123456789abcdefABCDEF", hex))
            return complain(scanner, "four hexadecimal digits are expected after \\u");
        zero = zero && hex == '0';
    }
    return !zero || complain(scanner, "a text must not contain \\u0000");
}

static bool take_string(struct scanner *scanner)
{
    if (peek(scanner) != '"')
        return complain(scanner, "a text in double quotes is expected");
    scanner->at++;
    while (peek(scanner) != '"') {
        if ((unsigned char)peek(scanner) < ' ')
            return complain(scanner, "a text must end with a double quote on its line");
        if (*scanner->at++ == '\\' && !take_escape(scanner))
            return false;
    }
    scanner->at++;
    return true;
}

static bool take_word(struct scanner *scanner, const char *word)
{
    const size_t length = strlen(word);
    if ((size_t)(scanner->end - scanner->at) < length || memcmp(scanner->at, word, length) != 0)
        return complain(
            scanner, "a value is expected: a number, \"text\", true, false, null, [...] or {...}");
    scanner->at += length;
    return true;
}

static bool take_value(struct scanner *scanner);

// What follows the opening bracket: members or elements up to `close`.
static bool take_items(struct scanner *scanner, char close)
{
    scanner->at++;
    skip_space(scanner);
    if (peek(scanner) == close) {
        scanner->at++;
        return true;
    }
    for (;;) {
        skip_space(scanner);
        if (close == '}') {
            if (!take_string(scanner))
                return false;
            skip_space(scanner);
            if (peek(scanner) != ':')
                return complain(scanner, "a colon is expected after a key");
            scanner->at++;
        }
        if (!take_value(scanner))
            return false;
        const char c = peek(scanner);
        if (c != ',' && c != close)
            return complain(scanner,
                            close == '}' ? "a comma or } is expected" : "a comma or ] is expected");
        scanner->at++;
        if (c == close)
            return true;
    }
}

// One value and the space around it.
static bool take_value(struct scanner *scanner)
{
    bool taken;
    skip_space(scanner);
    const char c = peek(scanner);
    if (c == '{' || c == '[') {
        if (++scanner->depth > JSON_DEPTH)
            return complain(scanner, "too many brackets within brackets");
        taken = take_items(scanner, c == '{' ? '}' : ']');
        scanner->depth--;
    } else if (c == '"') {
        taken = take_string(scanner);
    } else if (c == '-' || digit(c)) {
        taken = take_number(scanner);
    } else {
        taken = take_word(scanner, c == 't' ? "true" : c == 'f' ? "false" : "null");
    }
    skip_space(scanner);
    return taken;
}

bool json_check_syntax(const char *text, size_t size, const char *where)
{
    struct scanner scanner = {.text = text, .at = text, .end = text + size, .where = where};
    if (!take_value(&scanner))
        return false;
    return scanner.at == scanner.end || complain(&scanner, "nothing may follow the value");
}
