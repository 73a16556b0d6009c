//! Rule sets of which any mixture shows in a decision, and the log that tells what each decided.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::{Value, json};

use crate::{Stack, eventually};

/// A rule set of three files. All its rules fire on every comment, and its number is in all that
/// they leave in a decision.
#[derive(Clone, Copy, Debug)]
pub struct Set {
    /// Tells it from others.
    pub number: u32,
    /// The mode of a rule that holds, if there is one.
    pub trial: Option<&'static str>,
    /// Whether a rule rejects.
    pub flood: bool,
}

impl Set {
    /// Makes one that approves.
    pub fn new(number: u32) -> Self {
        Self {
            number,
            trial: None,
            flood: false,
        }
    }

    /// Gives it a rule that holds, in a mode.
    #[must_use]
    pub fn with_trial(self, mode: &'static str) -> Self {
        Self {
            trial: Some(mode),
            ..self
        }
    }

    /// Gives it a rule that rejects.
    #[must_use]
    pub fn with_flood(self) -> Self {
        Self {
            flood: true,
            ..self
        }
    }

    /// The only term of its list: the beginning of any text.
    fn term(&self) -> String {
        format!("^.(?:only{})?", self.number)
    }

    /// The text of each file, by its path; `stoa.yaml` is the last.
    pub fn files(&self) -> BTreeMap<&'static str, String> {
        let n = self.number;
        let mut rules = format!(
            "include: [own.yaml]\n\
             lists:\n  first: {{ file: lists/first.txt, match: regex }}\n\
             macros: {{ there: comment.length > 0 }}\n\
             rules:\n\
             - {{ id: always, when: there, then: {{ labels: [always-{n}] }} }}\n\
             - {{ id: list, when: 'comment.text.hits(\"first\")', then: {{ labels: [list-{n}] }} }}\n"
        );
        for (id, verdict, mode) in [
            ("trial", "hold", self.trial),
            ("flood", "reject", self.flood.then_some("live")),
        ] {
            if let Some(mode) = mode {
                rules += &format!(
                    "- {{ id: {id}, when: there, then: {{ verdict: {verdict}, \
                     labels: [{id}-{n}] }}, reason: {{ code: {id} }}, mode: {mode} }}\n"
                );
            }
        }
        let own =
            format!("rules:\n- {{ id: own-{n}, when: there, then: {{ labels: [own-{n}] }} }}\n");
        BTreeMap::from([
            ("lists/first.txt", self.term()),
            ("own.yaml", own),
            ("stoa.yaml", rules),
        ])
    }

    /// Copies it into a folder file by file. A folder that is looked at meanwhile has errors: it is
    /// neither a mixture of two sets nor half of one.
    pub fn write(&self, folder: &Path) {
        let root = folder.join("stoa.yaml");
        if root.exists() {
            std::fs::remove_file(root).unwrap();
        }
        std::fs::create_dir_all(folder.join("lists")).unwrap();
        for (path, text) in self.files() {
            put(folder, path, &text);
        }
    }

    /// Checks that a decision is wholly this set's; returns whether the rule on trial acted.
    #[track_caller]
    pub fn check(&self, decision: &Value) -> bool {
        let n = self.number;
        let own = format!("own-{n}");
        let mut fired = BTreeSet::from([
            ("always", "live", None),
            ("list", "live", None),
            (own.as_str(), "live", None),
        ]);
        let mut labels = BTreeSet::from([format!("always-{n}"), format!("list-{n}"), own.clone()]);
        let trial = format!("trial-{n}");
        let acted = match self.trial {
            None | Some("shadow") => false,
            Some("live") => true,
            // The entry says so, and labels and verdict have to agree.
            Some(_) => rule(decision, "trial")["acted"] != false,
        };
        fired.extend(self.trial.map(|mode| ("trial", mode, None)));
        labels.extend(acted.then_some(trial));
        let limited = rule(decision, "flood")["limited"].as_str();
        let verdict = match (self.flood, limited) {
            (true, None) => "reject",
            (true, Some(_)) => "hold",
            (false, _) if acted => "hold",
            (false, _) => "approve",
        };
        if self.flood {
            fired.insert(("flood", "live", limited));
            labels.insert(format!("flood-{n}"));
        }
        let rules = decision["rules"].as_array().unwrap().iter();
        let rules = rules.map(|rule| {
            let text = |name: &str| rule[name].as_str();
            (text("id").unwrap(), text("mode").unwrap(), text("limited"))
        });
        assert_eq!(rules.collect::<BTreeSet<_>>(), fired, "{decision:#}");
        let labels = labels.iter().map(String::as_str).collect();
        assert_eq!(strings(&decision["labels"]), labels, "{decision:#}");
        assert_eq!(decision["verdict"], verdict, "{decision:#}");
        assert_eq!(decision["partial"], json!([]), "{decision:#}");
        let term = &rule(decision, "list")["spans"][0]["term"];
        assert_eq!(*term, self.term(), "{decision:#}");
        acted
    }
}

/// Puts a file in its place, whole.
pub fn put(folder: &Path, path: &str, text: &str) {
    let draft = folder.join(".draft");
    std::fs::write(&draft, text).unwrap();
    std::fs::rename(draft, folder.join(path)).unwrap();
}

fn strings(list: &Value) -> BTreeSet<&str> {
    let list = list.as_array().unwrap().iter();
    list.map(|text| text.as_str().unwrap()).collect()
}

/// What a decision tells of a rule; null if it did not fire.
pub fn rule<'d>(decision: &'d Value, id: &str) -> &'d Value {
    let mut rules = decision["rules"].as_array().unwrap().iter();
    rules.find(|rule| rule["id"] == id).unwrap_or(&Value::Null)
}

/// The hash of the rule set that made a decision.
pub fn ruleset(decision: &Value) -> &str {
    decision["by"]["ruleset"].as_str().unwrap()
}

/// The log of decisions as far as it was read.
#[derive(Debug, Default)]
pub struct Log {
    /// Oldest first.
    pub decisions: Vec<Value>,
    next: u64,
}

impl Log {
    /// Reads on to the end; returns how many decisions there are.
    pub fn read(&mut self, stack: &Stack) -> usize {
        loop {
            let next = self.next;
            let url = format!(
                "{}/admin/decisions?limit=500&after={next}",
                stack.moderation()
            );
            let mut page = stack.get(&url);
            let Value::Array(decisions) = page["decisions"].take() else {
                panic!("the log can't be read: {page}");
            };
            self.decisions.extend(decisions);
            self.next = page["next"].as_u64().unwrap();
            if page["more"] == false {
                return self.decisions.len();
            }
        }
    }

    /// Reads on until something holds for what came from a place on.
    #[track_caller]
    pub fn until(
        &mut self,
        stack: &Stack,
        what: &str,
        from: usize,
        holds: impl Fn(&[Value]) -> bool,
    ) {
        eventually(what, || {
            self.read(stack);
            self.decisions.get(from..).is_some_and(&holds)
        });
    }
}
