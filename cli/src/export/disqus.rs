//! `stoa export disqus`: a site as the XML that Disqus exports, as `stoa import disqus` reads it.
//!
//! The format has all threads first and then all posts, so the site is walked twice.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::Args;
use quick_xml::events::{BytesCData, BytesDecl, BytesEnd, BytesStart, BytesText, Event};
use serde_json::json;
use stoa_archive::export::{ArticleOut, CommentOut, Row};
use stoa_proto::{Comment, Format, Time};

use super::out::Out;
use super::{known, open};
use crate::output;

/// Exports a site as the XML of a Disqus export.
#[derive(Debug, Args)]
pub(super) struct DisqusArgs {
    /// The archive's data folder, or the one of `stoa up`; the archive must be stopped.
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// The site.
    #[arg(long)]
    site: String,
    /// File that is written; `-` for standard output.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Replaces a file that exists.
    #[arg(long)]
    force: bool,
    /// Prints JSON.
    #[arg(long)]
    json: bool,
}

/// What the file has, and what could not be carried.
#[derive(Debug, Default)]
struct Report {
    threads: u64,
    posts: u64,
    erased: u64,
    undated: u64,
    /// Articles without an address, or with one that does not lead to their id again.
    renamed: u64,
    /// Comments in plain text or Markdown, written as HTML.
    rewritten: u64,
    /// Comments that were edited; only their latest revision is written.
    edited: u64,
    /// Comments with votes, which the format has no place for.
    scored: u64,
    /// Comments that wait for a decision or are held.
    undecided: u64,
}

/// Runs the command. It blocks.
pub(super) fn run(args: &DisqusArgs) -> anyhow::Result<ExitCode> {
    let export = open(&args.data)?;
    known(&export, &args.site)?;
    let out = Out::create(&args.out, args.force)?;
    let is_pipe = out.is_pipe();
    let bar = output::progress(0, "rows");
    let mut report = Report::default();
    let mut xml = Xml(quick_xml::Writer::new_with_indent(out, b' ', 2));
    xml.begin()?;
    export.rows(&args.site, &mut |row| match row {
        Row::Article(article) => thread(&mut xml, &article, &mut report),
        _ => Ok(()),
    })?;
    export.rows(&args.site, &mut |row| {
        bar.inc(1);
        match row {
            Row::Comment(comment) => post(&mut xml, &comment, &mut report),
            _ => Ok(()),
        }
    })?;
    xml.end("disqus")?;
    let mut out = xml.0.into_inner();
    out.write_all(b"\n").context("can't write the export")?;
    out.finish()?;
    bar.finish_and_clear();
    report.tell(args.json, is_pipe)?;
    Ok(ExitCode::SUCCESS)
}

/// What `stoa import disqus` puts before ids.
const PREFIX: &str = "disqus-";

/// Names a thread, a post or an account: as Disqus had, where it came from there; no other has the same.
fn own(id: &str) -> String {
    match id.strip_prefix(PREFIX) {
        Some(own) => own.to_owned(),
        None => format!("stoa-{id}"),
    }
}

fn thread(xml: &mut Xml, article: &ArticleOut, report: &mut Report) -> anyhow::Result<()> {
    let data = article.data.as_ref();
    let url = data.and_then(|data| data.url.as_deref());
    let is_closed = data.and_then(|data| data.comments.as_ref()?.open) == Some(false);
    report.threads += 1;
    let leads_back = match url {
        Some(url) => crate::import::article_id(url) == article.article,
        None => article.article.starts_with(PREFIX),
    };
    report.renamed += u64::from(!leads_back);
    xml.open("thread", Some(&own(&article.article)))?;
    xml.text("id", if leads_back { "" } else { &article.article })?;
    xml.text("forum", &article.site)?;
    xml.some("link", url)?;
    xml.text("title", data.map_or("", |data| &data.title))?;
    let at = data.and_then(|data| data.published_at.as_ref());
    xml.some("createdAt", at.map(Time::as_str))?;
    xml.flag("isClosed", is_closed)?;
    // Their comments have states of their own.
    xml.flag("isDeleted", false)?;
    xml.end("thread")
}

fn post(xml: &mut Xml, comment: &CommentOut, report: &mut Report) -> anyhow::Result<()> {
    let data = comment.data.as_ref();
    let at = data.and_then(|data| data.submitted_at.as_ref());
    let labels = comment.decision.as_ref().map(|decision| &decision.labels);
    let is_spam = labels.is_some_and(|labels| labels.iter().any(|label| label == "spam"));
    let is_rejected = matches!(comment.status, "rejected" | "withdrawn");
    let is_undecided = !is_rejected && comment.status != "approved";
    report.posts += 1;
    report.erased += u64::from(data.is_none());
    report.undated += u64::from(at.is_none());
    report.edited += u64::from(data.is_some_and(|data| data.revision > 1));
    report.scored += u64::from(comment.score.or(data.and_then(|data| data.score)).is_some());
    report.undecided += u64::from(is_undecided);
    report.rewritten += u64::from(data.is_some_and(|data| data.format != Format::Html));
    xml.open("post", Some(&own(&comment.comment)))?;
    xml.text("id", "")?;
    xml.message(&data.map_or_else(String::new, html))?;
    xml.some("createdAt", at.map(Time::as_str))?;
    xml.flag("isDeleted", data.is_none() || is_rejected && !is_spam)?;
    xml.flag("isSpam", is_rejected && is_spam)?;
    if is_undecided {
        xml.flag("isApproved", false)?;
    }
    xml.open("author", None)?;
    if let Some(data) = data {
        let account = own(&data.author.id);
        let is_from_there = data.author.id.starts_with(PREFIX);
        let is_guest = is_from_there && (account.starts_with("guest-") || account == "unknown");
        xml.some("name", data.author.display_name.as_deref())?;
        xml.flag("isAnonymous", is_guest)?;
        xml.some("username", (!is_guest).then_some(account.as_str()))?;
    }
    xml.end("author")?;
    xml.empty("thread", &own(&comment.article))?;
    if let Some(parent) = &comment.parent {
        xml.empty("parent", &own(parent))?;
    }
    xml.end("post")
}

/// Returns a comment's words as HTML.
fn html(comment: &Comment) -> String {
    if comment.format == Format::Html {
        return comment.body.clone();
    }
    let escaped = quick_xml::escape::escape(comment.text());
    let paragraphs = escaped.split("\n\n").filter(|text| !text.trim().is_empty());
    paragraphs
        .map(|text| format!("<p>{}</p>", text.trim().replace('\n', "<br>")))
        .collect()
}

/// Leaves out what XML has no place for.
fn legal(text: &str) -> String {
    let is_legal = |c: &char| {
        matches!(*c, '\t' | '\n' | '\r') || (*c >= ' ' && !matches!(*c, '\u{fffe}' | '\u{ffff}'))
    };
    text.chars().filter(is_legal).collect()
}

struct Xml(quick_xml::Writer<Out>);

impl Xml {
    fn write(&mut self, event: Event<'_>) -> anyhow::Result<()> {
        self.0.write_event(event).context("can't write the export")
    }

    fn begin(&mut self) -> anyhow::Result<()> {
        self.write(Event::Decl(BytesDecl::new("1.0", Some("utf-8"), None)))?;
        let root = BytesStart::new("disqus").with_attributes([
            ("xmlns", "http://disqus.com"),
            ("xmlns:dsq", "http://disqus.com/disqus-internals"),
        ]);
        self.write(Event::Start(root))
    }

    fn open(&mut self, name: &str, id: Option<&str>) -> anyhow::Result<()> {
        let id = id.map(legal);
        let attributes = id.as_deref().map(|id| ("dsq:id", id));
        self.write(Event::Start(
            BytesStart::new(name).with_attributes(attributes),
        ))
    }

    fn empty(&mut self, name: &str, id: &str) -> anyhow::Result<()> {
        let id = legal(id);
        let start = BytesStart::new(name).with_attributes([("dsq:id", id.as_str())]);
        self.write(Event::Empty(start))
    }

    fn end(&mut self, name: &str) -> anyhow::Result<()> {
        self.write(Event::End(BytesEnd::new(name)))
    }

    fn text(&mut self, name: &str, text: &str) -> anyhow::Result<()> {
        self.open(name, None)?;
        self.write(Event::Text(BytesText::new(&legal(text))))?;
        self.end(name)
    }

    fn some(&mut self, name: &str, text: Option<&str>) -> anyhow::Result<()> {
        text.map_or(Ok(()), |text| self.text(name, text))
    }

    fn flag(&mut self, name: &str, flag: bool) -> anyhow::Result<()> {
        self.text(name, if flag { "true" } else { "false" })
    }

    fn message(&mut self, text: &str) -> anyhow::Result<()> {
        self.open("message", None)?;
        for part in BytesCData::escaped(&legal(text)) {
            self.write(Event::CData(part))?;
        }
        self.end("message")
    }
}

impl Report {
    fn tell(&self, as_json: bool, is_pipe: bool) -> anyhow::Result<()> {
        let print = if is_pipe { output::note } else { output::line };
        if as_json {
            let value = json!({
                "ok": true, "threads": self.threads, "posts": self.posts, "erased": self.erased,
                "not_carried": {
                    "dates": self.undated, "article_ids": self.renamed,
                    "formats": self.rewritten, "earlier_revisions": self.edited,
                    "scores": self.scored,
                },
                "undecided": self.undecided,
            });
            print(&serde_json::to_string(&value)?);
            return Ok(());
        }
        print(&format!(
            "{} threads with {} posts, of which {} are erased and {} wait for a decision.",
            self.threads, self.posts, self.erased, self.undecided
        ));
        for (n, what) in [
            (
                self.renamed,
                "threads have no address that leads to their article's id: imported again, they get another id",
            ),
            (
                self.edited,
                "posts were edited: only the latest revision is written",
            ),
            (
                self.scored,
                "posts have votes, for which the format has no place",
            ),
            (
                self.rewritten,
                "posts were written as plain text or Markdown, and are HTML here",
            ),
            (self.undated, "posts have no date"),
        ] {
            if n > 0 {
                print(&format!("{n} {what}."));
            }
        }
        print("Decisions, rules, reports and real names are not in this format at all.");
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_stay_apart() {
        assert_eq!(own("disqus-1"), "1");
        assert_eq!(own("1"), "stoa-1");
    }
}
