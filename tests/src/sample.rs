//! Threads of our own making, the same for every run.

use serde_json::{Value, json};

use crate::comment;

/// Makes an article and a thread of comments in which every third one answers an earlier one.
pub fn thread(id: &str, n_comments: usize) -> Vec<Value> {
    let bodies = [
        "La ligne est enfin ouverte, merci à tous.",
        "I have waited ten years for this tram.",
        "Die neue Linie ist wirklich schnell und leise.",
        "Трамвай ходит каждые десять минут, очень удобно.",
        "Et les vélos, où sont-ils dans ce projet ?",
    ];
    let mut events = vec![json!({
        "specversion": "1.0", "id": format!("e-{id}"),
        "source": "https://journal.example/comments", "type": "stoa.article.published.v1",
        "data": {
            "site": "journal", "article": id, "title": "Le tramway", "language": "fr",
            "body": "La ligne ouvre lundi.", "published_at": "2024-05-01T08:00:00Z",
        },
    })];
    for (n, body) in (0..n_comments).zip(bodies.iter().cycle()) {
        let parent = (n % 3 == 2).then(|| format!("{id}-{}", n / 2));
        let mut event = comment(
            id,
            &format!("{id}-{n}"),
            parent.as_deref(),
            &format!("{body} {n}"),
        );
        event["data"]["author"]["id"] = json!(format!("u-{}", n % 17));
        event["data"]["submitted_at"] = json!(format!(
            "2024-05-01T{:02}:{:02}:00Z",
            10 + n / 60 % 12,
            n % 60
        ));
        events.push(event);
    }
    events
}

/// Writes events one a line.
pub fn jsonl(events: &[Value]) -> String {
    events.iter().map(|event| format!("{event}\n")).collect()
}
