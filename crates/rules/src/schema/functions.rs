//! The functions.
//!
//! A function whose arguments are all evaluated before it is one entry here, with its overloads;
//! one that is compiled in its own way (a macro, or one that takes the name of a list) has none,
//! and `expr::check` knows it.

use super::{FunctionInfo, Overload};
use crate::expr::functions::{numbers, text};

const fn function(name: &'static str, signature: &'static str, doc: &'static str) -> FunctionInfo {
    strict(name, signature, doc, &[])
}

const fn strict(
    name: &'static str,
    signature: &'static str,
    doc: &'static str,
    overloads: &'static [Overload],
) -> FunctionInfo {
    FunctionInfo {
        name,
        signature,
        doc,
        overloads,
    }
}

/// Every function and macro, in the order of the guide.
pub static FUNCTIONS: &[FunctionInfo] = &[
    function(
        "hits",
        "subject.hits(\"list\"[, [\"via\", …]]) -> bool",
        "whether a term of the list is in the subject: `comment.text` or `author.name` for `word`, `substring` and `regex` lists, `comment.links` or `comment.link_domains` for `domain` lists; with a second argument by no other transformations than these",
    ),
    function(
        "hit_count",
        "subject.hit_count(\"list\"[, [\"via\", …]]) -> int",
        "how many hits the list has there, up to 4096, and up to 64 with a second argument",
    ),
    function(
        "count",
        "count(\"counter\") -> int",
        "how many a counter has counted within its window, before this comment",
    ),
    function(
        "sum",
        "sum(\"counter\") -> double",
        "what a counter has summed up within its window, before this comment",
    ),
    function(
        "distinct",
        "distinct(\"counter\") -> int",
        "how many distinct values a counter has seen within its window, before this comment; exact up to 256, then within some 5 %",
    ),
    function(
        "rate",
        "rate(\"counter\", \"1m\") -> double",
        "a count or sum divided by its window, for a unit of time",
    ),
    function(
        "score",
        "score(\"name\") -> double",
        "what a classifier outside says of the comment, from 0 to 1; missing where it gave no answer",
    ),
    function(
        "in_list",
        "string.in_list(\"list\") -> bool",
        "whether the text as a whole is a term of the list, folded as the list says; not for `regex` lists",
    ),
    function(
        "matches",
        "string.matches(\"regex\") -> bool",
        "whether a regular expression, or one of a `regex` list named instead, matches anywhere; `(?i)` at its start ignores case",
    ),
    function(
        "contains",
        "string.contains(string) -> bool",
        "whether the other text is in it, letter for letter",
    ),
    function(
        "startsWith",
        "string.startsWith(string) -> bool",
        "whether it begins with the other text",
    ),
    function(
        "endsWith",
        "string.endsWith(string) -> bool",
        "whether it ends with the other text",
    ),
    function(
        "lower",
        "string.lower() -> string",
        "the text in lower case",
    ),
    strict(
        "upper",
        "string.upper() -> string",
        "the text in upper case",
        text::UPPER,
    ),
    strict(
        "lowerAscii",
        "string.lowerAscii() -> string",
        "the text with `A` to `Z` in lower case",
        text::LOWER_ASCII,
    ),
    strict(
        "upperAscii",
        "string.upperAscii() -> string",
        "the text with `a` to `z` in upper case",
        text::UPPER_ASCII,
    ),
    strict(
        "trim",
        "string.trim() -> string",
        "the text without white space at its ends",
        text::TRIM,
    ),
    strict(
        "replace",
        "string.replace(old, new[, times]) -> string",
        "the text with a part replaced, everywhere or as often as is said",
        text::REPLACE,
    ),
    strict(
        "split",
        "string.split(separator[, parts]) -> list(string)",
        "the parts between separators; at most so many, the last one with the rest",
        text::SPLIT,
    ),
    strict(
        "join",
        "list(string).join([separator]) -> string",
        "the texts one after the other",
        text::JOIN,
    ),
    strict(
        "charAt",
        "string.charAt(position) -> string",
        "the character at a position, from 0; empty right behind the last one",
        text::CHAR_AT,
    ),
    strict(
        "substring",
        "string.substring(start[, end]) -> string",
        "the characters from a position on, up to another one and without it",
        text::SUBSTRING,
    ),
    strict(
        "indexOf",
        "string.indexOf(string[, start]) -> int",
        "the position where the other text first begins; -1 if it is not there",
        text::INDEX_OF,
    ),
    strict(
        "lastIndexOf",
        "string.lastIndexOf(string[, start]) -> int",
        "the position where it last begins; -1 if it is not there",
        text::LAST_INDEX_OF,
    ),
    strict(
        "reverse",
        "string.reverse() -> string",
        "the characters in the opposite order",
        text::REVERSE,
    ),
    function(
        "size",
        "size(string or list) -> int",
        "characters or elements; also `x.size()`",
    ),
    function(
        "has",
        "has(fact) -> bool",
        "whether a fact that may be missing is there",
    ),
    function(
        "exists",
        "list.exists(x, condition) -> bool",
        "whether the condition holds for at least one element",
    ),
    function(
        "all",
        "list.all(x, condition) -> bool",
        "whether it holds for all of them",
    ),
    function(
        "exists_one",
        "list.exists_one(x, condition) -> bool",
        "whether it holds for exactly one",
    ),
    function(
        "filter",
        "list.filter(x, condition) -> list",
        "the elements for which the condition holds",
    ),
    function(
        "map",
        "list.map(x[, condition], expression) -> list",
        "what the expression makes of every element, or of those for which the condition holds",
    ),
    strict(
        "duration",
        "duration(\"1h30m\") -> duration",
        "a length of time in `d`, `h`, `m`, `s`, `ms`, `us`; a day is 24 hours",
        numbers::DURATION,
    ),
    strict(
        "timestamp",
        "timestamp(\"2026-01-01T00:00:00Z\") -> timestamp",
        "a point in time, RFC 3339",
        numbers::TIMESTAMP,
    ),
    strict(
        "int",
        "int(double, int, string or timestamp) -> int",
        "the number without its fraction, the number that a text spells, or the seconds since 1970",
        numbers::INT,
    ),
    strict(
        "double",
        "double(int, double or string) -> double",
        "the number as floating point",
        numbers::DOUBLE,
    ),
    strict(
        "string",
        "string(int, double, bool, string, duration or timestamp) -> string",
        "the value as text",
        numbers::STRING,
    ),
    strict(
        "bool",
        "bool(string or bool) -> bool",
        "`true` or `false` as a text spells it",
        numbers::BOOL,
    ),
    function(
        "math.greatest",
        "math.greatest(numbers…) -> number",
        "the greatest of numbers of one type, or of a list of them",
    ),
    function(
        "math.least",
        "math.least(numbers…) -> number",
        "the least of them",
    ),
    strict(
        "math.abs",
        "math.abs(int or double) -> int or double",
        "the number without its sign",
        numbers::ABS,
    ),
    function(
        "getHours",
        "getHours([zone]) -> int",
        "of a timestamp the hour 0 to 23, of a duration its whole hours",
    ),
    function(
        "getMinutes",
        "getMinutes([zone]) -> int",
        "of a timestamp the minute 0 to 59, of a duration its whole minutes",
    ),
    function(
        "getSeconds",
        "getSeconds([zone]) -> int",
        "of a timestamp the second 0 to 59, of a duration its whole seconds",
    ),
    function(
        "getMilliseconds",
        "getMilliseconds([zone]) -> int",
        "the milliseconds within the second",
    ),
    function(
        "getDayOfWeek",
        "timestamp.getDayOfWeek([zone]) -> int",
        "the day of the week, 0 for Sunday",
    ),
    function(
        "getDate",
        "timestamp.getDate([zone]) -> int",
        "the day of the month, from 1",
    ),
    function(
        "getDayOfMonth",
        "timestamp.getDayOfMonth([zone]) -> int",
        "the day of the month, from 0",
    ),
    function(
        "getDayOfYear",
        "timestamp.getDayOfYear([zone]) -> int",
        "the day of the year, from 0",
    ),
    function(
        "getMonth",
        "timestamp.getMonth([zone]) -> int",
        "the month, from 0 for January",
    ),
    function(
        "getFullYear",
        "timestamp.getFullYear([zone]) -> int",
        "the year",
    ),
];
