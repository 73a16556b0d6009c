//! Samples of each format, and files that are not what they should be.

use std::io::Write as _;

use serde_json::Value;

use super::events::Job;
use super::*;

mod hostile;
mod samples;
mod sending;

/// What was made of a file.
struct Made {
    jobs: Vec<Job>,
    ended: Ended,
}

impl Made {
    /// Says of each item what it is and where, in the order of the file.
    fn lines(&self) -> Vec<String> {
        self.jobs.iter().map(line).collect()
    }

    fn error(&self) -> &str {
        self.ended.error.as_deref().unwrap_or_default()
    }
}

fn line(job: &Job) -> String {
    let Some(body) = &job.body else {
        let problem = serde_json::to_value(&job.entry.problem).unwrap();
        let text = |key: &str| problem[key].as_str().unwrap_or_default().to_owned();
        let (at, id) = (&job.entry.at, job.entry.id.as_deref().unwrap_or("-"));
        return format!(
            "{at} {id}: {} {}{}",
            text("code"),
            text("field"),
            text("message")
        );
    };
    let event: Value = serde_json::from_slice(body).unwrap();
    let data = &event["data"];
    let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    if data.get("comment").is_none() {
        return format!("{} {:?}", text(&data["article"]), text(&data["title"]));
    }
    format!(
        "{} {} <{} {} {} [{}] {} {:?}",
        text(&data["imported"]["state"]),
        text(&data["comment"]),
        text(&data["parent"]),
        text(&data["submitted_at"]),
        text(&data["article"]),
        // The ids of guests are digests.
        text(&data["author"]["display_name"]),
        text(&data["format"]),
        text(&data["body"]),
    )
}

fn import(format: Format, bytes: &[u8]) -> Made {
    import_as(format, None, &[("export", bytes)])
}

/// Reads files as the command does, and keeps what would be sent.
fn import_as(
    format: Format,
    encoding: Option<&'static encoding_rs::Encoding>,
    files: &[(&str, &[u8])],
) -> Made {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    for (name, bytes) in files {
        std::fs::write(path(name), bytes).unwrap();
    }
    let (out, mut waiting) = mpsc::channel(10_000);
    let reading = Reading {
        format,
        files: files.iter().map(|(name, _)| path(name)).collect(),
        encoding,
        bar: ProgressBar::hidden(),
    };
    let maker = Maker::new(format, "vallee", None, true);
    let ended = reading.run(maker, Batches::new(100, out));
    let mut jobs = Vec::new();
    while let Ok(batch) = waiting.try_recv() {
        jobs.extend(batch.into_jobs());
    }
    Made { jobs, ended }
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(bytes).unwrap();
    packed.finish().unwrap()
}

fn sample(name: &str) -> Vec<u8> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/import");
    std::fs::read(format!("{folder}/{name}")).unwrap()
}

/// The sample database, with one comment more that is far too long.
fn isso_database() -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("comments.db");
    let sql = String::from_utf8(sample("isso.sql")).unwrap();
    let database = rusqlite::Connection::open(&path).unwrap();
    database.execute_batch(&sql).unwrap();
    let long = "INSERT INTO comments VALUES \
        (1, 6, NULL, 1400000500.0, NULL, 1, '', ?1, 'Gus', NULL, NULL, 0, 0, x'00', 0)";
    database.execute(long, ["x".repeat(500_000)]).unwrap();
    drop(database);
    std::fs::read(&path).unwrap()
}
