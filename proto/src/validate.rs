//! What a field may hold, beyond its type.

use serde_json::value::RawValue;

use crate::codec::read_data;
use crate::data::{Article, Author, Comment};
use crate::event::{Data, Envelope, Event, Kind};
use crate::{Code, Rejection, limits};

/// Whether an event was validated before.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trust {
    /// From outside: every limit is checked.
    Outside,
    /// Written by Stoa.
    Validated,
}

/// Checks an envelope and its payload.
pub(crate) fn envelope(envelope: Envelope<'_>) -> Result<Event, Rejection> {
    let event = assemble(envelope, Trust::Outside)?;
    id("id", &event.id)?;
    if event.source.is_empty()
        || event
            .source
            .chars()
            .any(|c| c.is_control() || c.is_whitespace())
    {
        return Err(Rejection::field(
            Code::InvalidField,
            "source",
            "`source` must be a URI reference without spaces, such as https://news.example/comments",
        ));
    }
    bounded("source", &event.source, limits::URI_BYTES)?;
    if let Some(subject) = &event.subject {
        bounded("subject", subject, limits::URI_BYTES)?;
    }
    if let Some(traceparent) = &event.traceparent {
        bounded("traceparent", traceparent, limits::ID_BYTES)?;
    }
    data(&event.data)?;
    Ok(event)
}

/// Makes an event of an envelope.
pub(crate) fn assemble(envelope: Envelope<'_>, trust: Trust) -> Result<Event, Rejection> {
    match envelope.specversion.as_deref() {
        Some("1.0") => {}
        None => return Err(Rejection::missing("specversion")),
        Some(_) => {
            return Err(Rejection::field(
                Code::InvalidEnvelope,
                "specversion",
                "`specversion` must be \"1.0\"",
            ));
        }
    }
    let id = envelope.id.ok_or_else(|| Rejection::missing("id"))?;
    let source = envelope
        .source
        .ok_or_else(|| Rejection::missing("source"))?;
    let kind = envelope.kind.ok_or_else(|| Rejection::missing("type"))?;
    let kind = kind_of(&kind, trust)?;
    if envelope.extensions.contains_key("data_base64") {
        return Err(Rejection::field(
            Code::InvalidEnvelope,
            "data_base64",
            "`data_base64` is not taken; send the object as `data`",
        ));
    }
    if let Some(media) = &envelope.datacontenttype
        && !media
            .split(';')
            .next()
            .unwrap_or_default()
            .trim()
            .eq_ignore_ascii_case("application/json")
    {
        return Err(Rejection::field(
            Code::InvalidEnvelope,
            "datacontenttype",
            "`datacontenttype` must be application/json or absent",
        ));
    }
    let raw: &RawValue = envelope.data.ok_or_else(|| Rejection::missing("data"))?;
    if !raw.get().starts_with('{') {
        return Err(Rejection::field(
            Code::InvalidField,
            "data",
            "`data` must be an object",
        ));
    }
    Ok(Event {
        id,
        source,
        time: envelope.time,
        subject: envelope.subject,
        traceparent: envelope.traceparent,
        recordedtime: if trust == Trust::Validated {
            envelope.recordedtime
        } else {
            None
        },
        extensions: envelope.extensions,
        data: read_data(kind, raw)?,
    })
}

fn kind_of(name: &str, trust: Trust) -> Result<Kind, Rejection> {
    let refuse = |code, message: &str| Rejection::field(code, "type", message);
    match Kind::parse(name) {
        Some(kind) if trust == Trust::Validated || kind.is_inbound() => Ok(kind),
        Some(_) => Err(refuse(
            Code::UnknownType,
            "this type is published by Stoa and can't be published to it",
        )),
        None => {
            let stem = name.rsplit_once(".v").filter(|(_, version)| {
                !version.is_empty() && version.bytes().all(|byte| byte.is_ascii_digit())
            });
            match stem {
                Some((stem, _)) if Kind::parse(&format!("{stem}.v1")).is_some() => Err(refuse(
                    Code::UnsupportedVersion,
                    "this version of the type is not supported; send v1",
                )),
                _ => Err(refuse(
                    Code::UnknownType,
                    "no such event type; the types are listed in docs/events.md",
                )),
            }
        }
    }
}

/// Checks an id: 1 to 256 bytes, no control characters.
fn id(field: &str, value: &str) -> Result<(), Rejection> {
    if value.is_empty() {
        return Err(Rejection::field(
            Code::InvalidField,
            field,
            format!("`{field}` is empty"),
        ));
    }
    if value.len() > limits::ID_BYTES {
        return Err(Rejection::too_large(
            field,
            value.len(),
            limits::ID_BYTES,
            "bytes",
        ));
    }
    let printable = |c: char| !c.is_control() && !matches!(c, '\u{2028}' | '\u{2029}');
    if !value.chars().all(printable) {
        return Err(Rejection::field(
            Code::InvalidField,
            field,
            format!("`{field}` holds a control character; an id is printable text"),
        ));
    }
    Ok(())
}

fn bounded(field: &str, value: &str, limit: usize) -> Result<(), Rejection> {
    if value.len() > limit {
        return Err(Rejection::too_large(field, value.len(), limit, "bytes"));
    }
    Ok(())
}

fn bounded_opt(field: &str, value: Option<&str>, limit: usize) -> Result<(), Rejection> {
    value.map_or(Ok(()), |value| bounded(field, value, limit))
}

fn entries(field: &str, n_entries: usize) -> Result<(), Rejection> {
    if n_entries > limits::LIST_ENTRIES {
        return Err(Rejection::too_large(
            field,
            n_entries,
            limits::LIST_ENTRIES,
            "entries",
        ));
    }
    Ok(())
}

fn ids(pairs: &[(&str, &str)]) -> Result<(), Rejection> {
    pairs.iter().try_for_each(|(field, value)| id(field, value))
}

pub(crate) fn data(data: &Data) -> Result<(), Rejection> {
    match data {
        Data::ArticlePublished(article) | Data::ArticleUpdated(article) => check_article(article),
        Data::ArticleRemoved(removed) => {
            ids(&[
                ("data.site", &removed.site),
                ("data.article", &removed.article),
            ])?;
            bounded_opt("data.reason", removed.reason.as_deref(), limits::NOTE_BYTES)
        }
        Data::CommentSubmitted(comment) => check_comment(comment),
        Data::CommentEdited(comment) => {
            if comment.imported.is_some() {
                return Err(Rejection::field(
                    Code::InvalidField,
                    "data.imported",
                    "`data.imported` is taken with comment.submitted alone; leave it out of an edit",
                ));
            }
            check_comment(comment)
        }
        Data::CommentWithdrawn(c) => subject_of(&c.site, &c.article, &c.comment),
        Data::CommentScored(c) => subject_of(&c.site, &c.article, &c.comment),
        Data::CommentReported(report) => {
            subject_of(&report.site, &report.article, &report.comment)?;
            id("data.report", &report.report)?;
            if let Some(reporter) = &report.reporter {
                id("data.reporter.id", &reporter.id)?;
            }
            bounded_opt("data.text", report.text.as_deref(), limits::NOTE_BYTES)
        }
        Data::AuthorUpdated(updated) => {
            id("data.site", &updated.site)?;
            author(&updated.author)
        }
        Data::AuthorErased(erased) => {
            ids(&[("data.site", &erased.site), ("data.author", &erased.author)])?;
            erasure(erased.legal_basis.as_deref(), erased.redaction.as_deref())
        }
        Data::CommentErased(erased) => {
            subject_of(&erased.site, &erased.article, &erased.comment)?;
            erasure(erased.legal_basis.as_deref(), erased.redaction.as_deref())
        }
        Data::DecisionAppealed(appeal) => {
            subject_of(&appeal.site, &appeal.article, &appeal.comment)?;
            ids(&[
                ("data.decision", &appeal.decision),
                ("data.appeal", &appeal.appeal),
            ])?;
            if let Some(author) = &appeal.author {
                id("data.author", author)?;
            }
            bounded_opt("data.text", appeal.text.as_deref(), limits::NOTE_BYTES)
        }
        // Outbound types are refused before their payload is read.
        _ => Ok(()),
    }
}

fn erasure(legal_basis: Option<&str>, redaction: Option<&str>) -> Result<(), Rejection> {
    if let Some(redaction) = redaction {
        id("data.redaction", redaction)?;
    }
    bounded_opt("data.legal_basis", legal_basis, limits::NOTE_BYTES)
}

fn subject_of(site: &str, article: &str, comment: &str) -> Result<(), Rejection> {
    ids(&[
        ("data.site", site),
        ("data.article", article),
        ("data.comment", comment),
    ])
}

fn check_article(article: &Article) -> Result<(), Rejection> {
    ids(&[
        ("data.site", &article.site),
        ("data.article", &article.article),
    ])?;
    bounded("data.title", &article.title, limits::TITLE_BYTES)?;
    bounded("data.body", &article.body, limits::ARTICLE_BYTES)?;
    bounded_opt("data.url", article.url.as_deref(), limits::URI_BYTES)?;
    language(article.language.as_deref())?;
    entries("data.authors", article.authors.len())?;
    entries("data.attribution", article.attribution.len())?;
    entries("data.media_credits", article.media_credits.len())?;
    entries("data.tags", article.tags.len())?;
    for (field, names) in [
        ("data.authors", &article.authors),
        ("data.media_credits", &article.media_credits),
        ("data.tags", &article.tags),
    ] {
        for name in names {
            bounded(field, name, limits::NAME_BYTES)?;
        }
    }
    for source in &article.attribution {
        bounded("data.attribution.name", &source.name, limits::NAME_BYTES)?;
        bounded_opt(
            "data.attribution.title",
            source.title.as_deref(),
            limits::TITLE_BYTES,
        )?;
        bounded_opt(
            "data.attribution.url",
            source.url.as_deref(),
            limits::URI_BYTES,
        )?;
    }
    Ok(())
}

fn check_comment(comment: &Comment) -> Result<(), Rejection> {
    subject_of(&comment.site, &comment.article, &comment.comment)?;
    if let Some(parent) = &comment.parent {
        id("data.parent", parent)?;
    }
    if comment.revision == 0 {
        return Err(Rejection::field(
            Code::InvalidField,
            "data.revision",
            "`data.revision` must be 1 or more",
        ));
    }
    author(&comment.author)?;
    language(comment.language.as_deref())?;
    bounded_opt("data.url", comment.url.as_deref(), limits::URI_BYTES)?;
    bounded("data.body", &comment.body, limits::COMMENT_BYTES)?;
    if let Some(imported) = &comment.imported {
        id("data.imported.from", &imported.from)?;
    }
    if comment.body.trim().is_empty() && !comment.is_deleted() {
        return Err(Rejection::field(
            Code::InvalidField,
            "data.body",
            "`data.body` is empty; a comment has words",
        ));
    }
    Ok(())
}

fn author(author: &Author) -> Result<(), Rejection> {
    id("data.author.id", &author.id)?;
    bounded_opt(
        "data.author.display_name",
        author.display_name.as_deref(),
        limits::NAME_BYTES,
    )?;
    bounded_opt(
        "data.author.name",
        author.name.as_deref(),
        limits::NAME_BYTES,
    )
}

/// Checks the form of a BCP 47 tag: letters and digits in groups of 1 to 8, joined by hyphens.
fn language(tag: Option<&str>) -> Result<(), Rejection> {
    let Some(tag) = tag else { return Ok(()) };
    let group = |part: &str| {
        (1..=8).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_alphanumeric())
    };
    if tag.len() > 35 || !tag.split('-').all(group) {
        return Err(Rejection::field(
            Code::InvalidField,
            "data.language",
            "`data.language` must be a BCP 47 tag such as fr or de-AT",
        ));
    }
    Ok(())
}
