//! The life of rule sets under load: hot reload, shadow, percentage, breaker and rollback, with no
//! comment lost, and none judged by half a rule set.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that can't go on has failed"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::mpsc::{Receiver, TryRecvError, channel};

use reqwest::Method;
use serde_json::{Value, json};
use stoa_tests::rules::{Log, Set, put, rule, ruleset};
use stoa_tests::{Bus, Load, Stack, Stress, Vhost, comment, eventually};

/// What is sent again and again, each time by another seed.
const LOAD: Load = Load {
    events: 1_000,
    rate: 300,
    threads: 120,
    mix: "duplicates=10",
    seed: 1,
};
/// Comments that each rule set judges at least, and those where shares of threads are measured.
const SOME: usize = 100;
const MANY: usize = 400;
/// How often a rule set is put and taken back without waiting for what it judges.
const FLUTTERS: usize = 15;
/// Rejections that a new rule has before its breaker opens: `breaker.hits` of the configuration.
const BUDGET: usize = 20;

/// A system whose rule sets are changed, and what became live.
struct Story<'s> {
    stack: &'s Stack,
    folder: &'s Path,
    log: Log,
    sets: BTreeMap<String, Set>,
    /// The hashes, in order.
    live: Vec<String>,
    n_probes: usize,
}

impl<'s> Story<'s> {
    /// Begins with what is in the folder.
    fn begin(stack: &'s Stack, folder: &'s Path, first: Set) -> Self {
        let mut story = Self {
            stack,
            folder,
            log: Log::default(),
            sets: BTreeMap::new(),
            live: Vec::new(),
            n_probes: 0,
        };
        let hash = story.learn(first);
        story.becomes_live(&hash, 0, SOME);
        story
    }

    fn url(&self, path: &str) -> String {
        format!("{}/admin/rules{path}", self.stack.moderation())
    }

    fn shown(&self) -> Value {
        self.stack.get(&self.url(""))
    }

    /// Tells what the live rule set's rule did.
    fn rule(&self, id: &str) -> Value {
        rule(&self.shown(), id).clone()
    }

    fn hash(&self) -> String {
        self.shown()["hash"].as_str().unwrap().to_owned()
    }

    /// Waits until a metric is more than zero.
    fn counts(&self, series: &str) {
        eventually(series, || {
            self.stack.metric(series).is_some_and(|count| count > 0.0)
        });
    }

    /// Sends a change that is to replace the rule set of a hash.
    fn change(&self, method: Method, path: &str, replaced: &str, body: &Value) -> (u16, Value) {
        let tag = format!("\"{replaced}\"");
        let url = self.url(path);
        self.stack.send_json(method, &url, Some(&tag), body)
    }

    /// Asks for the hash that a set would have.
    fn learn(&mut self, set: Set) -> String {
        let body = json!({"files": set.files()});
        let url = self.url("?dry_run=true");
        let (status, answer) = self.stack.send_json(Method::PUT, &url, None, &body);
        assert_eq!(status, 200, "{answer:#}");
        let hash = answer["hash"].as_str().unwrap().to_owned();
        self.sets.insert(hash.clone(), set);
        hash
    }

    /// Checks that a rule set judges what comes from now on, and waits for some of it.
    fn becomes_live(&mut self, hash: &str, from: usize, n_judged: usize) {
        assert_eq!(self.hash(), hash);
        self.live.push(hash.to_owned());
        self.n_probes += 1;
        let probe = format!("probe-{}", self.n_probes);
        let event = comment("probes", &probe, None, "What is live?").to_string();
        let (status, _) = self.stack.post("application/cloudevents+json", event);
        assert_eq!(status, 202);
        let what = format!("{n_judged} comments judged by {:?}", self.sets[hash]);
        self.log.until(self.stack, &what, from, |decisions| {
            let is_probe = |decision: &&Value| decision["comment"] == probe.as_str();
            let is_by = |decision: &&Value| ruleset(decision) == hash;
            if let Some(probe) = decisions.iter().find(is_probe) {
                assert_eq!(ruleset(probe), hash, "{probe:#}");
                return decisions.iter().filter(is_by).count() >= n_judged;
            }
            false
        });
    }

    fn edits_the_folder(&mut self, set: Set) {
        let (from, hash) = (self.log.read(self.stack), self.learn(set));
        set.write(self.folder);
        eventually("the folder's rule set is live", || self.hash() == hash);
        self.becomes_live(&hash, from, SOME);
    }

    fn puts(&mut self, set: Set, n_judged: usize) -> String {
        let (from, hash) = (self.log.read(self.stack), self.learn(set));
        let body = json!({"files": set.files(), "note": "under load"});
        let (status, answer) = self.change(Method::PUT, "", &self.hash(), &body);
        assert_eq!((status, &answer["hash"]), (200, &json!(hash)), "{answer:#}");
        self.becomes_live(&hash, from, n_judged);
        hash
    }

    fn rolls_back(&mut self, to: &str) {
        let (from, live, body) = (self.log.read(self.stack), self.hash(), json!({"to": to}));
        let (status, answer) = self.change(Method::POST, "/rollback", to, &body);
        assert_eq!((status, &answer["code"]), (412, &json!("rules_changed")));
        assert_eq!(self.hash(), live);
        let (status, answer) = self.change(Method::POST, "/rollback", &live, &body);
        assert_eq!((status, &answer["hash"]), (200, &json!(to)), "{answer:#}");
        self.becomes_live(to, from, SOME);
    }

    /// Puts a set and takes it back again and again, faster than anybody would.
    fn flutters(&mut self, set: Set) {
        let (back, there) = (self.hash(), self.learn(set));
        for _ in 0..FLUTTERS {
            let body = json!({"files": set.files()});
            let (status, answer) = self.change(Method::PUT, "", &back, &body);
            assert_eq!(status, 200, "{answer:#}");
            let body = json!({"to": back});
            let (status, answer) = self.change(Method::POST, "/rollback", &there, &body);
            assert_eq!(status, 200, "{answer:#}");
            self.live.extend([there.clone(), back.clone()]);
        }
    }

    /// Sends a set with a mistake, and leaves one in the folder until it is mended.
    fn refuses_what_is_broken(&mut self, mended: &Set) {
        let live = self.hash();
        let own = "rules:\n- { id: x, when: comment.lenght > 1, then: { labels: [x] } }\n";
        let mut files = mended.files();
        files.insert("own.yaml", own.to_owned());
        let told = |answer: &Value| {
            let first = &answer["diagnostics"][0];
            assert_eq!(
                (&first["file"], &first["line"]),
                (&json!("own.yaml"), &json!(2))
            );
            let help = first["help"].as_str().unwrap();
            assert!(help.contains("comment.length"), "{first:#}");
        };
        let (status, answer) = self.change(Method::PUT, "", &live, &json!({"files": files}));
        assert_eq!((status, &answer["code"]), (422, &json!("invalid_rules")));
        told(&answer);
        assert_eq!(self.hash(), live);

        let refused = || {
            self.stack
                .metric("stoa_ruleset_reloads_total{result=\"refused\"}")
        };
        let before = refused().unwrap();
        put(self.folder, "own.yaml", own);
        eventually("the folder's mistake is told", || {
            self.shown()["pending_errors"].is_object()
        });
        told(&self.shown()["pending_errors"]);
        assert!(refused().unwrap() > before);
        assert!(self.stack.metric("stoa_ruleset_pending_errors").unwrap() >= 1.0);
        self.judges_on(&live);

        // As it was: what a person made live since stays live.
        mended.write(self.folder);
        eventually("the folder has no mistake", || {
            self.shown()["pending_errors"].is_null()
                && self.stack.metric("stoa_ruleset_pending_errors") == Some(0.0)
        });
        self.judges_on(&live);
    }

    /// Waits until the live rule set has judged some more.
    fn judges_on(&mut self, live: &str) {
        assert_eq!(self.hash(), live);
        let from = self.log.read(self.stack);
        let what = "what was live judges on";
        self.log
            .until(self.stack, what, from, |new| new.len() > SOME);
        let new = &self.log.decisions[from..];
        assert!(new.iter().all(|decision| ruleset(decision) == live));
    }

    /// Lets a new rule reject everything: its breaker opens, is reset, and opens again.
    fn opens_the_breaker(&mut self, set: Set) {
        let from = self.log.read(self.stack);
        let hash = self.puts(set, 2 * BUDGET + SOME);
        // What is in the log is counted a moment later.
        eventually("the breaker is open", || {
            let breaker = &self.rule("flood")["breaker"];
            breaker["state"] == "open" && breaker["hits"] == BUDGET + 1
        });
        self.counts("stoa_rule_breaker_open{rule=\"flood\"}");
        self.counts("stoa_rule_limited_total{limit=\"breaker\",rule=\"flood\"}");
        let reset = json!({"state": "reset"});
        let (status, answer) = self.stack.post_json(&self.url("/flood/breaker"), &reset);
        assert_eq!(
            (status, &answer["was_open"]),
            (200, &json!(true)),
            "{answer:#}"
        );
        let what = "the rule rejects again, and its breaker opens again";
        self.log.until(self.stack, what, from, |decisions| {
            let runs = runs(
                decisions
                    .iter()
                    .filter(|decision| ruleset(decision) == hash),
            );
            runs.len() == 4
        });
    }
}

/// Counts decisions by whether the rule rejected or was limited, one run after the other.
fn runs<'d>(decisions: impl Iterator<Item = &'d Value>) -> Vec<(bool, usize)> {
    let mut runs: Vec<(bool, usize)> = Vec::new();
    for decision in decisions {
        let is_limited = rule(decision, "flood")["limited"] == "breaker";
        match runs.last_mut() {
            Some((last, count)) if *last == is_limited => *count += 1,
            _ => runs.push((is_limited, 1)),
        }
    }
    runs
}

/// Sends comments until it is told to stop, and checks all that was sent; returns how many comments.
fn load(stack: &Stack, to: &str, stop: &Receiver<()>) -> usize {
    let mut sent = Vec::new();
    // A story that fails hangs up.
    while stop.try_recv() == Err(TryRecvError::Empty) {
        let seed = LOAD.seed + u32::try_from(sent.len()).unwrap();
        let stress = Stress::start(stack, to, Load { seed, ..LOAD });
        stress.is_sent();
        sent.push(stress);
    }
    // The first event of each thread is its article.
    let n_sent = sent.len() * (LOAD.events - LOAD.threads) as usize;
    sent.into_iter().for_each(Stress::ends_sound);
    n_sent
}

/// Goes through all that can happen to rule sets. Returns the hashes of those that had the rule on
/// trial act in a share of the threads, and of that which rejected.
fn tell(story: &mut Story<'_>) -> ([(f64, String); 2], String) {
    story.edits_the_folder(Set::new(1));
    story.edits_the_folder(Set::new(2));
    story.edits_the_folder(Set::new(3));
    story.puts(Set::new(4).with_trial("shadow"), SOME);
    story.counts("stoa_rule_hits_total{mode=\"shadow\",rule=\"trial\"}");
    let some = story.puts(Set::new(5).with_trial("30%"), MANY);
    let most = story.puts(Set::new(6).with_trial("60%"), MANY);
    story.puts(Set::new(7).with_trial("live"), SOME);
    story.flutters(Set::new(10).with_trial("shadow"));
    story.refuses_what_is_broken(&Set::new(3));
    let flood = Set::new(8).with_trial("shadow").with_flood();
    story.opens_the_breaker(flood);
    let flood = story.hash();
    story.rolls_back(&some);
    story.edits_the_folder(Set::new(9).with_trial("live"));
    story.rolls_back(&most);
    ([(0.3, some), (0.6, most)], flood)
}

/// Checks that each thread was judged by one measure; returns those in which the rule acted.
fn acting<'d>(share: f64, acted: &[(&'d str, bool)]) -> BTreeSet<&'d str> {
    let mut threads: BTreeMap<&str, bool> = BTreeMap::new();
    for (thread, acts) in acted {
        assert_eq!(threads.entry(thread).or_insert(*acts), acts, "{thread}");
    }
    let all = threads.len();
    let acting: BTreeSet<&str> = threads
        .into_iter()
        .filter(|one| one.1)
        .map(|one| one.0)
        .collect();
    #[expect(clippy::cast_precision_loss, reason = "there are some hundred threads")]
    let (all, found) = (all as f64, acting.len() as f64);
    assert!(all > 80.0, "{all} threads show no share");
    // Four standard deviations of a binomial distribution.
    let deviation = 4.0 * (all * share * (1.0 - share)).sqrt();
    assert!(
        (found - all * share).abs() < deviation,
        "{found} of {all} for {share}"
    );
    acting
}

fn life(bus: Bus, to: impl Fn(&Stack) -> String + Sync) {
    let folder = tempfile::tempdir().unwrap();
    let (folder, first) = (folder.path(), Set::new(0));
    first.write(folder);
    let mut stack = Stack::start_with(
        bus,
        vec![
            (
                "STOA_MODERATION_RULES__RULES_DIR",
                folder.display().to_string(),
            ),
            ("STOA_MODERATION_RULES__RULES__POLL", "100ms".into()),
            ("STOA_MODERATION_RULES__RULES__SETTLE", "100ms".into()),
        ],
    );
    let (going, stop) = channel();
    std::thread::scope(|scope| {
        let (stack, to) = (&stack, to(&stack));
        let loading = scope.spawn(move || load(stack, &to, &stop));
        let going = going;
        let mut story = Story::begin(stack, folder, first);
        let (shares, flood) = tell(&mut story);
        drop(going);
        let n_sent = loading.join().unwrap();
        ends_well(&mut story, &shares, &flood, n_sent);
    });
    for name in stack.names() {
        assert_eq!(stack.process(name).stop(), Some(0), "{name}");
    }
}

/// Checks every decision that was made.
fn ends_well(story: &mut Story<'_>, shares: &[(f64, String)], flood: &str, n_loaded: usize) {
    story.log.read(story.stack);
    let (decisions, n_sent) = (&story.log.decisions, n_loaded + story.n_probes);
    let comments = decisions.iter().map(|one| one["comment"].as_str().unwrap());
    let n_comments = comments.collect::<BTreeSet<_>>().len();
    assert_eq!((decisions.len(), n_comments), (n_sent, n_sent));
    judged_in_order(story);

    let mut acted: BTreeMap<&str, Vec<(&str, bool)>> = BTreeMap::new();
    let mut n_trials = [0, 0];
    for decision in decisions {
        let acts = story.sets[ruleset(decision)].check(decision);
        let thread = decision["article"].as_str().unwrap();
        let of_set = acted.entry(ruleset(decision)).or_default();
        of_set.push((thread, acts));
        if rule(decision, "trial").is_object() {
            n_trials[usize::from(acts)] += 1;
        }
    }

    // A thread that has a rule keeps it when the share grows.
    let [some, _] = [0, 1].map(|n| {
        let (share, hash) = &shares[n];
        acting(*share, &acted[hash.as_str()])
    });
    for (thread, acts) in &acted[shares[1].1.as_str()] {
        assert!(!some.contains(thread) || *acts, "{thread}");
    }

    // To the comment, whatever the batches: a budget, holds, and after the reset the same again.
    let by_flood = |decision: &&Value| ruleset(decision) == flood;
    let runs = runs(decisions.iter().filter(by_flood));
    let rejected = runs.iter().filter(|run| !run.0).map(|run| run.1);
    assert_eq!(rejected.collect::<Vec<_>>(), [BUDGET; 2], "{runs:?}");
    counts(story, n_sent, n_trials);
}

/// Checks that one rule set judged after the other, as they became live.
fn judged_in_order(story: &Story<'_>) {
    let versions = story.stack.get(&story.url("/versions?limit=100"));
    let versions = versions["versions"].as_array().unwrap().iter().rev();
    let versions: Vec<&str> = versions.map(|one| one["hash"].as_str().unwrap()).collect();
    assert_eq!(versions, story.live);
    // Some were live for too short a time to judge.
    let mut judged: Vec<&str> = story.log.decisions.iter().map(ruleset).collect();
    judged.dedup();
    let mut live = story.live.iter();
    let in_order = judged.iter().all(|hash| live.any(|one| one == hash));
    assert!(in_order, "{judged:#?} of {:#?}", story.live);
}

/// Checks that what is counted is what was decided.
fn counts(story: &Story<'_>, n_sent: usize, [shadows, acts]: [usize; 2]) {
    for (id, n_acts, n_shadows) in [("always", n_sent, 0), ("trial", acts, shadows)] {
        let total = &story.rule(id)["total"];
        let expected = (&json!(n_acts), &json!(n_shadows));
        assert_eq!((&total["hits"], &total["shadow_hits"]), expected, "{id}");
        for (mode, count) in [("acted", n_acts), ("shadow", n_shadows)] {
            let series = format!("stoa_rule_hits_total{{mode=\"{mode}\",rule=\"{id}\"}}");
            let counted = story.stack.metric(&series).map(|n| n.to_string());
            assert_eq!(counted, Some(count.to_string()), "{series}");
        }
    }
}

#[test]
fn embedded_rule_sets_live_and_die_under_load() {
    life(Bus::Embedded, Stack::ingest);
}

#[test]
fn amqp_rule_sets_live_and_die_under_load() {
    let vhost = Vhost::new();
    life(Bus::Amqp(vhost.url.clone()), |_| vhost.url.clone());
}
