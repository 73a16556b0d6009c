//! `stoa import jsonl`: checks each line by itself, tells what is wrong, sends the rest.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use stoa_proto::codec::{self, Message};
use stoa_proto::{Code, Rejection};

use crate::client::{Refused, TargetArgs};
use crate::export::line;
use crate::publish::{self, Line, Report, Sender};

/// Imports `CloudEvents`, one a line.
///
/// An archive's own export is taken, too: what platforms had sent is sent again, and what Stoa had made
/// of it is passed over, since it is made anew.
#[derive(Debug, Args)]
pub(super) struct JsonlArgs {
    /// File with the events; `-` for standard input.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    #[command(flatten)]
    target: TargetArgs,
    /// Takes events of this site alone; those of another are reported.
    #[arg(long)]
    site: Option<String>,
    /// Checks every line and sends nothing.
    #[arg(long)]
    dry_run: bool,
    /// Events in one request or message.
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u16).range(1..=1_000))]
    batch: u16,
    /// Prints JSON.
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub(super) async fn run(args: JsonlArgs) -> anyhow::Result<ExitCode> {
    let mut sender = Sender::new(
        args.target.target()?,
        usize::from(args.batch),
        args.target.patience(),
        publish::size(&args.file),
    );
    let mut report = Report::default();
    for line in publish::read(&args.file)? {
        let line = match line {
            Ok(line) => line,
            Err(error) => {
                report.fail(&error);
                break;
            }
        };
        let Some(line) = sent(line) else {
            report.passed_over += 1;
            continue;
        };
        if let Err(refused) = check(&line, args.site.as_deref()) {
            report.read += 1;
            report.refuse(line.number, refused);
        } else if args.dry_run {
            report.read += 1;
        } else {
            sender.push(line, &mut report).await;
        }
        if sender.gave_up() {
            break;
        }
    }
    sender.finish(&mut report).await;
    report.print(args.json)
}

/// Returns what a platform had sent, of a line of an archive's export; others as they are.
fn sent(line: Line) -> Option<Line> {
    match line::read(&line.body) {
        Ok(line::Line::Record(kept)) => {
            let kind = stoa_archive::kind_of_record(kept.kind)?;
            let is_sent = kind.is_inbound() && kept.content == stoa_journal::Content::Whole;
            is_sent.then_some(Line {
                number: line.number,
                body: kept.payload,
            })
        }
        Ok(line::Line::End(_)) => None,
        // What is wrong with it is said when it is read as an event.
        Ok(line::Line::Other) | Err(_) => Some(line),
    }
}

/// Judges a line as ingest would, as far as that can be told from the line alone.
fn check(line: &Line, site: Option<&str>) -> Result<(), Refused> {
    let message = Message {
        content_type: Some(codec::STRUCTURED.to_owned()),
        body: line.body.clone(),
        ..Message::default()
    };
    for decoded in codec::decode(&message) {
        match decoded {
            Err(undecodable) => return Err(refused(undecodable.id, undecodable.rejection)),
            Ok(event) => {
                if let Some(site) = site
                    && event.site() != site
                {
                    let message = format!("the event is not of the site `{site}`");
                    let rejection = Rejection::field(Code::UnknownSite, "data.site", message);
                    return Err(refused(Some(event.id), rejection));
                }
            }
        }
    }
    Ok(())
}

fn refused(id: Option<String>, rejection: Rejection) -> Refused {
    Refused {
        index: 0,
        id,
        code: rejection.code.as_str().to_owned(),
        field: rejection.field,
        message: rejection.message,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line_of(body: &str) -> Line {
        Line {
            number: 1,
            body: body.to_owned().into(),
        }
    }

    #[test]
    fn of_an_export_only_what_a_platform_had_sent_is_sent() {
        use stoa_journal::{Content, Kept};

        let payload = |kind, content| {
            let kept = Kept {
                seq: 3,
                time_us: 0,
                kind,
                content,
                length: 8,
                salt: [0; 16],
                commitment: [0; 32],
                chain: [0; 32],
                payload: "{\"id\":1}".into(),
            };
            let mut text = Vec::new();
            line::write(&kept, &mut text).unwrap();
            let text = String::from_utf8(text).unwrap();
            sent(line_of(text.trim_end())).map(|line| line.body)
        };
        let (submitted, decided) = (16, 48);
        assert_eq!(payload(submitted, Content::Whole).unwrap(), "{\"id\":1}");
        assert_eq!(payload(decided, Content::Whole), None);
        assert_eq!(payload(submitted, Content::Redacted), None);
        let others = sent(line_of("{\"id\":2}")).unwrap();
        assert_eq!(others.body, "{\"id\":2}");
    }

    #[test]
    fn judges_lines_by_themselves() {
        let event = |body: &str| {
            format!(
                r#"{{"specversion":"1.0","id":"e-1","source":"https://a.example/","type":"stoa.comment.submitted.v1","data":{{"site":"a","article":"x","comment":"c","author":{{"id":"u"}},"body":"{body}"}}}}"#
            )
        };
        let code = |text: &str, site| {
            check(&line_of(text), site)
                .err()
                .map(|refused| refused.code)
        };
        assert_eq!(code(&event("hello"), None), None);
        assert_eq!(code(&event("hello"), Some("a")), None);
        assert_eq!(
            code(&event("hello"), Some("b")).as_deref(),
            Some("unknown_site")
        );
        assert_eq!(code("{", None).as_deref(), Some("invalid_json"));
        assert!(code(&event(""), None).is_some());
    }
}
