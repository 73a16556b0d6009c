//! The facts, each with how it is read.

use super::{FactInfo, Read, Scalar};
use crate::expr::value::Value;
use crate::facts::count;

const fn fact(
    name: &'static str,
    of: Scalar,
    unit: &'static str,
    doc: &'static str,
    read: Read,
) -> FactInfo {
    FactInfo {
        name,
        of,
        list: false,
        optional: false,
        unit,
        doc,
        read,
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

/// Every fact, in the order of the guide. A fact is one entry: its name, its type, what it is and how
/// it is read.
pub static FACTS: &[FactInfo] = &[
    fact(
        "comment.text",
        Scalar::String,
        "",
        "the plain text as it was written",
        |f| Some(Value::text(f.input.text)),
    ),
    fact(
        "comment.length",
        Scalar::Int,
        "characters",
        "the length of the text in Unicode code points",
        |f| Some(Value::Int(f.stats().length)),
    ),
    fact(
        "comment.words",
        Scalar::Int,
        "words",
        "runs of letters and digits",
        |f| Some(Value::Int(f.stats().words)),
    ),
    fact(
        "comment.capitals",
        Scalar::Double,
        "0 to 1",
        "capitals among the letters that have case; 0 without such letters",
        |f| Some(Value::Double(f.stats().capitals())),
    ),
    fact(
        "comment.emoji",
        Scalar::Int,
        "emoji",
        "emoji, a joined sequence counted once",
        |f| Some(Value::Int(f.stats().emoji)),
    ),
    list(fact(
        "comment.links",
        Scalar::String,
        "URLs",
        "the targets of all links, both those of the markup and bare ones in the text",
        |f| Some(Value::Urls(f.links())),
    )),
    fact(
        "comment.links_count",
        Scalar::Int,
        "links",
        "the same as `comment.links.size()`",
        |f| Some(Value::Int(count(f.links().len() as u64))),
    ),
    list(fact(
        "comment.link_domains",
        Scalar::String,
        "host names",
        "the host of each link, in lower case, in the order of `comment.links`",
        |f| Some(Value::Hosts(f.links())),
    )),
    fact(
        "comment.html",
        Scalar::Bool,
        "",
        "whether it was written in HTML or Markdown",
        |f| Some(Value::Bool(f.input.html)),
    ),
    fact(
        "comment.language",
        Scalar::String,
        "BCP 47",
        "the language such as `fr`; empty if it is not known",
        |f| Some(Value::text(f.input.language.unwrap_or_default())),
    ),
    fact(
        "comment.language_confidence",
        Scalar::Double,
        "0 to 1",
        "how sure the language is; 0 if it is not known",
        |f| Some(Value::Double(f.language_confidence())),
    ),
    optional(fact(
        "comment.depth",
        Scalar::Int,
        "levels",
        "how many comments stand above it; 0 at top level; missing for a reply to a comment that was never seen",
        |f| {
            f.input
                .depth_known
                .then(|| Value::Int(i64::from(f.input.depth)))
        },
    )),
    fact(
        "comment.is_reply",
        Scalar::Bool,
        "",
        "whether it answers another comment",
        |f| Some(Value::Bool(f.input.parent.is_some())),
    ),
    optional(fact(
        "comment.parent",
        Scalar::String,
        "id",
        "the comment that it answers; missing at top level",
        |f| f.input.parent.map(Value::text),
    )),
    fact(
        "comment.revision",
        Scalar::Int,
        "",
        "1 when it is new, higher when it was edited",
        |f| Some(Value::Int(i64::from(f.input.revision))),
    ),
    fact(
        "comment.id",
        Scalar::String,
        "id",
        "the comment's id",
        |f| Some(Value::text(f.input.comment)),
    ),
    fact(
        "comment.submitted_at",
        Scalar::Timestamp,
        "UTC",
        "when it was written",
        |f| Some(Value::Timestamp(f.input.submitted_at)),
    ),
    fact(
        "author.id",
        Scalar::String,
        "id",
        "the author's id on the platform",
        |f| Some(Value::text(f.input.author.id)),
    ),
    fact(
        "author.name",
        Scalar::String,
        "",
        "the name that the platform shows; empty if it sent none",
        |f| Some(Value::text(f.name())),
    ),
    fact(
        "author.role",
        Scalar::String,
        "",
        "`reader`, `staff` or `moderator`",
        |f| Some(Value::text(f.role())),
    ),
    fact(
        "author.trusted",
        Scalar::Bool,
        "",
        "whether the author is trusted",
        |f| Some(Value::Bool(f.input.author.trusted)),
    ),
    fact(
        "author.approved",
        Scalar::Int,
        "comments",
        "how many of their earlier comments were approved",
        |f| Some(Value::Int(count(f.input.author.approved))),
    ),
    fact(
        "author.held",
        Scalar::Int,
        "comments",
        "how many wait for a moderator",
        |f| Some(Value::Int(count(f.input.author.held))),
    ),
    fact(
        "author.rejected",
        Scalar::Int,
        "comments",
        "how many were rejected",
        |f| Some(Value::Int(count(f.input.author.rejected))),
    ),
    fact(
        "author.recent",
        Scalar::Int,
        "comments",
        "how many they wrote in the ten minutes before this one",
        |f| Some(Value::Int(count(f.input.author.recent))),
    ),
    fact(
        "author.age",
        Scalar::Duration,
        "time",
        "since the account was made or first seen, whichever is earlier; 0 if neither is known",
        |f| Some(Value::Duration(f.author_age())),
    ),
    fact(
        "author.new",
        Scalar::Bool,
        "",
        "whether none of their comments was ever approved",
        |f| Some(Value::Bool(f.input.author.approved == 0)),
    ),
    fact(
        "article.id",
        Scalar::String,
        "id",
        "the article's id",
        |f| Some(Value::text(f.input.article)),
    ),
    optional(fact(
        "article.age",
        Scalar::Duration,
        "time",
        "since the article was published; missing if the article is not known",
        |f| f.article_age().map(Value::Duration),
    )),
    fact("site.id", Scalar::String, "id", "the site's id", |f| {
        Some(Value::text(f.input.site))
    }),
    fact(
        "now",
        Scalar::Timestamp,
        "UTC",
        "when the comment is judged",
        |f| Some(Value::Timestamp(f.input.now)),
    ),
];
