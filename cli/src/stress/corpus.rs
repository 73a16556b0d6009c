//! Comments in several languages, determined by a seed, of which some break the starter rules.

use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};
use stoa_proto::{Article, Author, Comment, Data, Event, Time};

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

/// How much of what is written.
#[derive(Clone, Debug)]
pub(super) struct Shape {
    pub(super) site: String,
    pub(super) events: u32,
    pub(super) threads: u32,
    pub(super) authors: u32,
    pub(super) seed: u64,
}

/// Everything that a run sends.
#[derive(Clone, Debug)]
pub(super) struct Corpus {
    shape: Shape,
    /// Begins every id, so that runs with other seeds don't meet.
    prefix: String,
    source: String,
}

/// A stream of numbers that a start value determines (`SplitMix64`), the same in every version.
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.next().checked_rem(limit).unwrap_or_default()
    }

    fn pick<'a, T>(&mut self, from: &'a [T]) -> Option<&'a T> {
        from.get(usize::try_from(self.below(from.len() as u64)).ok()?)
    }
}

impl Corpus {
    pub(super) fn new(shape: Shape) -> Self {
        Self {
            prefix: format!("s{}", shape.seed),
            source: format!("urn:stoa:stress:{}", shape.seed),
            shape,
        }
    }

    /// Returns the number of comments.
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
        let number = id
            .strip_prefix(&self.prefix)?
            .strip_prefix("-t")?
            .parse()
            .ok()?;
        (number < self.shape.threads).then_some(number)
    }

    /// Returns a comment's id.
    pub(super) fn comment_id(&self, n: u32) -> String {
        format!("{}-c{n}", self.prefix)
    }

    /// Returns the number of a comment of this corpus.
    pub(super) fn comment_of_id(&self, id: &str) -> Option<u32> {
        let number = id
            .strip_prefix(&self.prefix)?
            .strip_prefix("-c")?
            .parse()
            .ok()?;
        (number < self.shape.events).then_some(number)
    }

    /// Returns the id of the event that submits a comment.
    pub(super) fn event_id(&self, n: u32) -> String {
        format!("{}-e{n}", self.prefix)
    }

    /// Returns the thread that a comment is in.
    pub(super) fn thread_of(&self, n: u32) -> u32 {
        n.checked_rem(self.shape.threads).unwrap_or_default()
    }

    /// Writes the event of a thread's article.
    pub(super) fn article(&self, thread: u32) -> Bytes {
        let id = self.thread_id(thread);
        let event = Event::new(
            format!("{}-a{thread}", self.prefix),
            self.source.clone(),
            Data::ArticlePublished(Article {
                site: self.shape.site.clone(),
                article: id.clone(),
                title: format!("Thread {id}"),
                language: Some("fr".to_owned()),
                published_at: time(FIRST),
                ..Article::default()
            }),
        );
        event.to_json()
    }

    /// Writes the event of a comment.
    pub(super) fn comment(&self, n: u32) -> Bytes {
        let mut chance = Chance(self.shape.seed ^ u64::from(n).wrapping_mul(0x2545_f491_4f6c_dd1d));
        let author = chance.below(u64::from(self.shape.authors));
        // Two of five answer one of the eight comments before theirs in the thread.
        let back = (chance.below(8) + 1).saturating_mul(u64::from(self.shape.threads));
        let parent = u64::from(n)
            .checked_sub(back)
            .filter(|_| chance.below(5) < 2);
        let parent = parent.and_then(|parent| u32::try_from(parent).ok());
        let (_, sentences) = chance.pick(&SENTENCES).copied().unwrap_or_default();
        let mut body = String::new();
        for _ in 0..=chance.below(4) {
            if !body.is_empty() {
                body.push(' ');
            }
            body.push_str(chance.pick(sentences).copied().unwrap_or_default());
        }
        if chance.below(1_000) < BAD_PER_MILLE {
            chance
                .pick(&BAD)
                .copied()
                .unwrap_or_default()
                .clone_into(&mut body);
        }
        let written = time(FIRST + i64::from(n) * STEP);
        let mut event = Event::new(
            self.event_id(n),
            self.source.clone(),
            Data::CommentSubmitted(Comment {
                site: self.shape.site.clone(),
                article: self.thread_id(self.thread_of(n)),
                comment: self.comment_id(n),
                parent: parent.map(|parent| self.comment_id(parent)),
                revision: 1,
                author: Author {
                    id: format!("{}-u{author}", self.prefix),
                    display_name: Some(format!("Author {author}")),
                    ..Author::default()
                },
                body,
                submitted_at: written.clone(),
                ..Comment::default()
            }),
        );
        event.time = written;
        event.to_json()
    }
}

fn time(seconds: i64) -> Option<Time> {
    Timestamp::UNIX_EPOCH
        .checked_add(SignedDuration::from_secs(seconds))
        .ok()
        .map(Time::from_timestamp)
}
