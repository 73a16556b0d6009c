//! What conditions can read and call: the declared facts and functions.
//!
//! The tables of `docs/rules.md` are held to these by a test.

use std::fmt;

/// The type of an expression.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Type {
    /// `true` or `false`.
    Bool,
    /// A 64-bit integer.
    Int,
    /// A 64-bit floating point number.
    Double,
    /// Text.
    String,
    /// A length of time.
    Duration,
    /// A point in time.
    Timestamp,
    /// A list whose elements have one type.
    List(Box<Type>),
    /// The type of the elements of `[]`.
    Any,
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bool => f.write_str("bool"),
            Self::Int => f.write_str("int"),
            Self::Double => f.write_str("double"),
            Self::String => f.write_str("string"),
            Self::Duration => f.write_str("duration"),
            Self::Timestamp => f.write_str("timestamp"),
            Self::List(element) => write!(f, "list({element})"),
            Self::Any => f.write_str("any"),
        }
    }
}

/// Which fact; the index into [`FACTS`] is its order here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fact {
    Text,
    Length,
    Words,
    Capitals,
    Emoji,
    Links,
    LinksCount,
    LinkDomains,
    Html,
    Language,
    LanguageConfidence,
    Depth,
    IsReply,
    Parent,
    Revision,
    CommentId,
    SubmittedAt,
    AuthorId,
    AuthorName,
    AuthorRole,
    AuthorTrusted,
    AuthorApproved,
    AuthorHeld,
    AuthorRejected,
    AuthorRecent,
    AuthorAge,
    AuthorNew,
    ArticleId,
    ArticleAge,
    SiteId,
    Now,
}

/// One fact that conditions can read.
#[derive(Clone, Debug)]
pub struct FactInfo {
    /// The name, such as `comment.length`.
    pub name: &'static str,
    pub(crate) fact: Fact,
    pub(crate) of: Scalar,
    pub(crate) list: bool,
    /// Whether the fact may be missing, so that `has()` should be asked first.
    pub optional: bool,
    /// The unit, or empty.
    pub unit: &'static str,
    /// What it is.
    pub doc: &'static str,
}

/// The types of which facts are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scalar {
    Bool,
    Int,
    Double,
    String,
    Duration,
    Timestamp,
}

impl From<Scalar> for Type {
    fn from(scalar: Scalar) -> Self {
        match scalar {
            Scalar::Bool => Self::Bool,
            Scalar::Int => Self::Int,
            Scalar::Double => Self::Double,
            Scalar::String => Self::String,
            Scalar::Duration => Self::Duration,
            Scalar::Timestamp => Self::Timestamp,
        }
    }
}

impl FactInfo {
    /// Returns the fact's type.
    pub fn ty(&self) -> Type {
        if self.list {
            Type::List(Box::new(self.of.into()))
        } else {
            self.of.into()
        }
    }
}

const fn fact(
    name: &'static str,
    fact: Fact,
    of: Scalar,
    unit: &'static str,
    doc: &'static str,
) -> FactInfo {
    FactInfo {
        name,
        fact,
        of,
        list: false,
        optional: false,
        unit,
        doc,
    }
}

const fn list(mut info: FactInfo) -> FactInfo {
    info.list = true;
    info
}

const fn optional(mut info: FactInfo) -> FactInfo {
    info.optional = true;
    info
}

/// Every fact, in the order of the guide.
pub const FACTS: &[FactInfo] = &[
    fact(
        "comment.text",
        Fact::Text,
        Scalar::String,
        "",
        "the plain text as it was written",
    ),
    fact(
        "comment.length",
        Fact::Length,
        Scalar::Int,
        "characters",
        "the length of the text in Unicode code points",
    ),
    fact(
        "comment.words",
        Fact::Words,
        Scalar::Int,
        "words",
        "runs of letters and digits",
    ),
    fact(
        "comment.capitals",
        Fact::Capitals,
        Scalar::Double,
        "0 to 1",
        "capitals among the letters that have case; 0 without such letters",
    ),
    fact(
        "comment.emoji",
        Fact::Emoji,
        Scalar::Int,
        "emoji",
        "emoji, a joined sequence counted once",
    ),
    list(fact(
        "comment.links",
        Fact::Links,
        Scalar::String,
        "URLs",
        "the targets of all links, both those of the markup and bare ones in the text",
    )),
    fact(
        "comment.links_count",
        Fact::LinksCount,
        Scalar::Int,
        "links",
        "the same as `comment.links.size()`",
    ),
    list(fact(
        "comment.link_domains",
        Fact::LinkDomains,
        Scalar::String,
        "host names",
        "the host of each link, in lower case, in the order of `comment.links`",
    )),
    fact(
        "comment.html",
        Fact::Html,
        Scalar::Bool,
        "",
        "whether it was written in HTML or Markdown",
    ),
    fact(
        "comment.language",
        Fact::Language,
        Scalar::String,
        "BCP 47",
        "the language such as `fr`; empty if it is not known",
    ),
    fact(
        "comment.language_confidence",
        Fact::LanguageConfidence,
        Scalar::Double,
        "0 to 1",
        "how sure the language is; 0 if it is not known",
    ),
    optional(fact(
        "comment.depth",
        Fact::Depth,
        Scalar::Int,
        "levels",
        "how many comments stand above it; 0 at top level; missing for a reply to a comment that was never seen",
    )),
    fact(
        "comment.is_reply",
        Fact::IsReply,
        Scalar::Bool,
        "",
        "whether it answers another comment",
    ),
    optional(fact(
        "comment.parent",
        Fact::Parent,
        Scalar::String,
        "id",
        "the comment that it answers; missing at top level",
    )),
    fact(
        "comment.revision",
        Fact::Revision,
        Scalar::Int,
        "",
        "1 when it is new, higher when it was edited",
    ),
    fact(
        "comment.id",
        Fact::CommentId,
        Scalar::String,
        "id",
        "the comment's id",
    ),
    fact(
        "comment.submitted_at",
        Fact::SubmittedAt,
        Scalar::Timestamp,
        "UTC",
        "when it was written",
    ),
    fact(
        "author.id",
        Fact::AuthorId,
        Scalar::String,
        "id",
        "the author's id on the platform",
    ),
    fact(
        "author.name",
        Fact::AuthorName,
        Scalar::String,
        "",
        "the name that the platform shows; empty if it sent none",
    ),
    fact(
        "author.role",
        Fact::AuthorRole,
        Scalar::String,
        "",
        "`reader`, `staff` or `moderator`",
    ),
    fact(
        "author.trusted",
        Fact::AuthorTrusted,
        Scalar::Bool,
        "",
        "whether the author is trusted",
    ),
    fact(
        "author.approved",
        Fact::AuthorApproved,
        Scalar::Int,
        "comments",
        "how many of their earlier comments were approved",
    ),
    fact(
        "author.held",
        Fact::AuthorHeld,
        Scalar::Int,
        "comments",
        "how many wait for a moderator",
    ),
    fact(
        "author.rejected",
        Fact::AuthorRejected,
        Scalar::Int,
        "comments",
        "how many were rejected",
    ),
    fact(
        "author.recent",
        Fact::AuthorRecent,
        Scalar::Int,
        "comments",
        "how many they wrote in the ten minutes before this one",
    ),
    fact(
        "author.age",
        Fact::AuthorAge,
        Scalar::Duration,
        "time",
        "since the account was made or first seen, whichever is earlier; 0 if neither is known",
    ),
    fact(
        "author.new",
        Fact::AuthorNew,
        Scalar::Bool,
        "",
        "whether none of their comments was ever approved",
    ),
    fact(
        "article.id",
        Fact::ArticleId,
        Scalar::String,
        "id",
        "the article's id",
    ),
    optional(fact(
        "article.age",
        Fact::ArticleAge,
        Scalar::Duration,
        "time",
        "since the article was published; missing if the article is not known",
    )),
    fact(
        "site.id",
        Fact::SiteId,
        Scalar::String,
        "id",
        "the site's id",
    ),
    fact(
        "now",
        Fact::Now,
        Scalar::Timestamp,
        "UTC",
        "when the comment is judged",
    ),
];

/// Finds a fact by its name.
pub(crate) fn find(name: &str) -> Option<&'static FactInfo> {
    FACTS.iter().find(|info| info.name == name)
}

/// One function that conditions can call.
#[derive(Clone, Debug)]
pub struct FunctionInfo {
    /// The name.
    pub name: &'static str,
    /// How it is called, with types.
    pub signature: &'static str,
    /// What it answers.
    pub doc: &'static str,
}

const fn function(name: &'static str, signature: &'static str, doc: &'static str) -> FunctionInfo {
    FunctionInfo {
        name,
        signature,
        doc,
    }
}

/// Every function and macro, in the order of the guide.
pub const FUNCTIONS: &[FunctionInfo] = &[
    function(
        "hits",
        "subject.hits(\"list\") -> bool",
        "whether a term of the list is in the subject: `comment.text` or `author.name` for `word`, `substring` and `regex` lists, `comment.links` or `comment.link_domains` for `domain` lists",
    ),
    function(
        "hit_count",
        "subject.hit_count(\"list\") -> int",
        "how many hits the list has there, up to 4096",
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
        "duration",
        "duration(\"1h30m\") -> duration",
        "a length of time in `d`, `h`, `m`, `s`, `ms`, `us`; a day is 24 hours",
    ),
    function(
        "timestamp",
        "timestamp(\"2026-01-01T00:00:00Z\") -> timestamp",
        "a point in time, RFC 3339",
    ),
    function(
        "int",
        "int(double or int) -> int",
        "the number without its fraction",
    ),
    function(
        "double",
        "double(int or double) -> double",
        "the number as floating point",
    ),
    function(
        "string",
        "string(int, bool or string) -> string",
        "the value as text",
    ),
    function(
        "getHours",
        "getHours() -> int",
        "of a timestamp the hour 0 to 23 in UTC, of a duration its whole hours",
    ),
    function(
        "getMinutes",
        "getMinutes() -> int",
        "of a timestamp the minute 0 to 59, of a duration its whole minutes",
    ),
    function(
        "getSeconds",
        "getSeconds() -> int",
        "of a timestamp the second 0 to 59, of a duration its whole seconds",
    ),
    function(
        "getDayOfWeek",
        "timestamp.getDayOfWeek() -> int",
        "the day in UTC, 0 for Sunday",
    ),
];
