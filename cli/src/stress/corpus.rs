//! Ids, and words in several languages of which some break the starter rules: all from a seed.
//!
//! Event `n` is in thread `n mod threads`, at position `n / threads` of it, so that a thread's
//! events are the same whatever the number of events, and whoever sends them.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use stoa_proto::Time;

use super::chance::Chance;
use super::mix::Mix;

/// When the first comment was written: 2020-01-01. Times of comments are no part of a measurement.
const FIRST: i64 = 1_577_836_800;

/// Seconds between comments, so that few authors write ten in ten minutes.
const STEP: i64 = 5;

/// Sentences by language.
const SENTENCES: [(&str, &[&str]); 4] = [
    (
        "fr",
        &[
            "La ligne devait ouvrir au printemps et nous sommes en automne.",
            "Mon trajet est plus court d'un quart d'heure, merci à ceux qui ont insisté.",
            "Qui paiera l'entretien des quais dans dix ans ?",
            "L'article oublie de dire que le marché a perdu sa place.",
            "J'habite à côté du chantier et le bruit reste supportable.",
            "Les chiffres cités ne correspondent pas au rapport de la région.",
            "On pourrait au moins planter quelques arbres.",
        ],
    ),
    (
        "en",
        &[
            "I have lived on that street for thirty years and never saw it this quiet.",
            "The numbers in the second paragraph do not add up.",
            "Could someone explain why the bridge was left out?",
            "My children take the new line to school every morning.",
            "It is a fair point, but the budget was voted two years ago.",
            "The bakery at the corner closed because nobody could park.",
        ],
    ),
    (
        "de",
        &[
            "Die Haltestelle liegt leider viel zu weit vom Krankenhaus entfernt.",
            "Endlich wird etwas gebaut, worauf alle gewartet haben.",
            "Wer hat diese Zahlen eigentlich geprüft?",
            "Bei uns im Viertel fährt der Bus seitdem seltener.",
            "Ich finde den Vorschlag vernünftig, auch wenn er teuer ist.",
        ],
    ),
    (
        "ru",
        &[
            "Новая линия работает уже месяц, и жалоб почти нет.",
            "Почему никто не спросил жителей соседней улицы?",
            "Автор прав: без моста всё это теряет смысл.",
            "Цены на билеты снова выросли, а автобусы всё те же.",
            "Спасибо за подробную статью.",
        ],
    ),
];

/// What a moderator should see, or nobody.
const BAD: [&str; 8] = [
    "Vous êtes tous des abrutis.",
    "You are a moron and so is the author.",
    "So ein Vollidiot.",
    "Je sais où tu habites, fais attention à toi.",
    "POURQUOI PERSONNE NE RÉPOND À MES QUESTIONS DEPUIS DES MOIS, C'EST UNE HONTE POUR LA VILLE !",
    "https://a.example/1 https://b.example/2 https://c.example/3 https://d.example/4 https://e.example/5",
    "Gagnez de l'argent facilement: https://bit.ly/3stress",
    "Go back to your country.",
];

/// Comments of a thousand that break a rule.
const BAD_PER_MILLE: u64 = 50;

/// Tells the streams of chance of one event apart.
const AUTHORS: u64 = 0xa17;
const WORDS: u64 = 0x30d5;

/// How much of what is written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Shape {
    pub(super) site: String,
    /// Events at most; a run that ends by the clock alone has no limit.
    #[serde(default = "no_limit", skip_serializing_if = "is_no_limit")]
    pub(super) events: u32,
    pub(super) threads: u32,
    pub(super) authors: u32,
    pub(super) seed: u64,
    pub(super) mix: Mix,
}

fn no_limit() -> u32 {
    u32::MAX
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "this is how serde calls it"
)]
fn is_no_limit(events: &u32) -> bool {
    *events == no_limit()
}

/// Everything that a run sends.
#[derive(Clone, Debug)]
pub(super) struct Corpus {
    pub(super) shape: Shape,
    /// Begins every id, so that runs with other seeds don't meet.
    pub(super) prefix: String,
    pub(super) source: String,
}

impl Corpus {
    pub(super) fn new(shape: Shape) -> Self {
        Self {
            prefix: format!("s{}", shape.seed),
            source: format!("urn:stoa:stress:{}", shape.seed),
            shape,
        }
    }

    /// Returns the number of events, at most.
    pub(super) fn len(&self) -> u32 {
        self.shape.events
    }

    /// Returns the number of threads.
    pub(super) fn n_threads(&self) -> u32 {
        self.shape.threads
    }

    /// Returns the site.
    pub(super) fn site(&self) -> &str {
        &self.shape.site
    }

    /// Returns a thread's id.
    pub(super) fn thread_id(&self, thread: u32) -> String {
        format!("{}-t{thread}", self.prefix)
    }

    /// Returns the number of a thread of this corpus.
    pub(super) fn thread_of_id(&self, id: &str) -> Option<u32> {
        let number = self.number(id, "-t")?;
        (number < self.shape.threads).then_some(number)
    }

    /// Returns a comment's id.
    pub(super) fn comment_id(&self, n: u32) -> String {
        format!("{}-c{n}", self.prefix)
    }

    /// Returns the number of a comment of this corpus.
    pub(super) fn comment_of_id(&self, id: &str) -> Option<u32> {
        self.number(id, "-c")
    }

    /// Returns the id of an event; that of its repeats, too.
    pub(super) fn event_id(&self, n: u32) -> String {
        format!("{}-e{n}", self.prefix)
    }

    /// Returns the number of an event of this corpus.
    pub(super) fn event_of_id(&self, id: &str) -> Option<u32> {
        self.number(id, "-e")
    }

    /// Returns the id of a report, by the number of its event.
    pub(super) fn report_id(&self, n: u32) -> String {
        format!("{}-r{n}", self.prefix)
    }

    /// Returns the number of a report's event.
    pub(super) fn report_of_id(&self, id: &str) -> Option<u32> {
        self.number(id, "-r")
    }

    fn number(&self, id: &str, what: &str) -> Option<u32> {
        id.strip_prefix(&self.prefix)?
            .strip_prefix(what)?
            .parse()
            .ok()
    }

    /// Returns the thread that an event is in.
    pub(super) fn thread_of(&self, n: u32) -> u32 {
        n.checked_rem(self.shape.threads).unwrap_or_default()
    }

    /// Returns an event's position in its thread.
    pub(super) fn position_of(&self, n: u32) -> u32 {
        n.checked_div(self.shape.threads).unwrap_or_default()
    }

    /// Returns the number of the event at a position of a thread.
    pub(super) fn event_at(&self, thread: u32, position: u32) -> Option<u32> {
        position
            .checked_mul(self.shape.threads)?
            .checked_add(thread)
    }

    /// Returns an article's title.
    pub(super) fn title(&self, thread: u32) -> String {
        format!("Thread {}", self.thread_id(thread))
    }

    /// Returns the number of the author of a comment.
    pub(super) fn author_of(&self, comment: u32) -> u64 {
        Chance::of(self.shape.seed ^ AUTHORS, comment).below(u64::from(self.shape.authors))
    }

    /// Writes the words of an event.
    pub(super) fn words(&self, n: u32) -> String {
        let mut chance = Chance::of(self.shape.seed ^ WORDS, n);
        if chance.below(1_000) < BAD_PER_MILLE {
            return chance.pick(&BAD).copied().unwrap_or_default().to_owned();
        }
        let (_, sentences) = chance.pick(&SENTENCES).copied().unwrap_or_default();
        let mut words = String::new();
        for _ in 0..=chance.below(4) {
            if !words.is_empty() {
                words.push(' ');
            }
            words.push_str(chance.pick(sentences).copied().unwrap_or_default());
        }
        words
    }
}

/// Returns when an event happened.
pub(super) fn time_of(n: u32) -> Option<Time> {
    let seconds = FIRST + i64::from(n) * STEP;
    Timestamp::UNIX_EPOCH
        .checked_add(SignedDuration::from_secs(seconds))
        .ok()
        .map(Time::from_timestamp)
}
