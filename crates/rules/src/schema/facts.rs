//! The facts, each with how it is read.

use stoa_proto::Sanction;

use super::{FactInfo, Read, Scalar};
use crate::expr::value::Value;
use crate::facts::count;
use crate::text::links::{is_confusable, registrable};

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

/// The facts that a report changes: the rules that read one of them are looked at when it comes.
pub(crate) const OF_REPORTS: [&str; 3] = [
    "comment.reports",
    "comment.reports_weight",
    "comment.report_reasons",
];

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
    list(fact(
        "comment.link_sites",
        Scalar::String,
        "domains",
        "the registered domain of each link by the public suffix list, such as `bbc.co.uk` for `news.bbc.co.uk`",
        |f| {
            let sites = f
                .links()
                .iter()
                .map(|link| Value::text(registrable(&link.host)));
            Some(Value::list(sites.collect()))
        },
    )),
    fact(
        "comment.deceptive_links",
        Scalar::Int,
        "links",
        "links that show another registered domain than they lead to",
        |f| {
            Some(Value::Int(count(
                f.links().iter().filter(|link| link.lies()).count() as u64,
            )))
        },
    ),
    fact(
        "comment.confusable_links",
        Scalar::Int,
        "links",
        "links whose host imitates another with letters that look alike; hosts behind `xn--` are read as the letters that they stand for",
        |f| {
            Some(Value::Int(count(
                f.links()
                    .iter()
                    .filter(|link| is_confusable(&link.host))
                    .count() as u64,
            )))
        },
    ),
    list(fact(
        "comment.mentions",
        Scalar::String,
        "names",
        "the names behind `@`, without it",
        |f| {
            let names = f.shape().mentions.iter().map(|name| Value::text(name));
            Some(Value::list(names.collect()))
        },
    )),
    fact(
        "comment.quoted",
        Scalar::Double,
        "0 to 1",
        "the share of the characters in lines that begin with `>`",
        |f| Some(Value::Double(f.shape().quoted)),
    ),
    fact(
        "comment.entropy",
        Scalar::Double,
        "bits a character",
        "Shannon entropy of the characters: prose has 4 to 5, a row of one character 0, random letters and digits more than 5",
        |f| Some(Value::Double(f.shape().entropy)),
    ),
    fact(
        "comment.gibberish",
        Scalar::Double,
        "0 to 1",
        "the share of the letters in words of Latin letters that nobody could say, as from a hand on the keyboard",
        |f| Some(Value::Double(f.shape().gibberish)),
    ),
    fact(
        "comment.longest_run",
        Scalar::Int,
        "characters",
        "the longest row of one character, white space apart",
        |f| Some(Value::Int(f.shape().run)),
    ),
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
        "comment.fingerprint",
        Scalar::String,
        "",
        "a mark that texts with the same letters and digits share; empty for texts of fewer than 12 of them",
        |f| Some(Value::Text(f.fingerprint().into())),
    ),
    fact(
        "comment.similar_by_author",
        Scalar::Int,
        "comments",
        "the author's recent comments that say the same but for a few changes: of the last 16 within 7 days",
        |f| Some(Value::Int(count(f.input.similar_by_author))),
    ),
    fact(
        "comment.similar_in_thread",
        Scalar::Int,
        "comments",
        "comments of others in the thread that say the same but for a few changes: of the last 64 within 7 days",
        |f| Some(Value::Int(count(f.input.similar_in_thread))),
    ),
    fact(
        "comment.reports",
        Scalar::Int,
        "readers",
        "how many reported it since a moderator last decided it",
        |f| Some(Value::Int(count(f.input.reports.reporters))),
    ),
    fact(
        "comment.reports_weight",
        Scalar::Double,
        "",
        "what their reports weigh together: 1 each for readers of whom nothing is known, up to 2 for one who was always right, down to 0 for one who never was",
        |f| Some(Value::Double(f.input.reports.weight)),
    ),
    list(fact(
        "comment.report_reasons",
        Scalar::String,
        "",
        "what they reported it for, each reason once: `offensive`, `spam`, `harassment`, `hate`, `illegal`, `misinformation`, `off_topic`, `other`",
        |f| {
            let reasons = f.input.reports.reasons.iter();
            let texts = reasons.map(|reason| Value::text(reason.as_str()));
            Some(Value::list(texts.collect()))
        },
    )),
    optional(fact(
        "parent.author",
        Scalar::String,
        "id",
        "who wrote the comment that it answers; missing at top level and if that comment was never seen",
        |f| f.input.parent_author.map(Value::text),
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
        "author.sanction",
        Scalar::String,
        "",
        "what a moderator put them under and has not ended: `premoderate`, `suspend`, `ban` or `warn`, which is kept for 90 days; empty if nothing",
        |f| {
            Some(Value::text(
                f.input.author.sanction.map_or("", Sanction::as_str),
            ))
        },
    ),
    fact(
        "author.sanctioned",
        Scalar::Bool,
        "",
        "whether that is more than a warning",
        |f| Some(Value::Bool(f.is_sanctioned())),
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
    list(fact(
        "article.tags",
        Scalar::String,
        "tags",
        "the article's tags; empty if the article is not known",
        |f| {
            let tags = f.input.article_tags.iter().map(|tag| Value::text(tag));
            Some(Value::list(tags.collect()))
        },
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
