//! What the top of each page leads to: a line for each part of the console, and the menus that they are in.

use stoa_daemon::auth::Role;

/// A part of the console.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry {
    pub(super) path: &'static str,
    /// The id of its text.
    pub(super) text: &'static str,
    /// The role that its route needs.
    pub(super) needs: Role,
    /// The key that leads there.
    pub(super) key: Option<&'static str>,
}

/// Parts that one goes to for the same work.
#[derive(Debug)]
pub(super) struct Group {
    /// The id of the text of their menu; nothing where each stands by itself.
    pub(super) text: Option<&'static str>,
    pub(super) entries: &'static [Entry],
}

/// A menu as somebody sees it.
#[derive(Debug)]
pub(super) struct Menu {
    pub(super) text: &'static str,
    pub(super) entries: Vec<&'static Entry>,
}

const fn entry(path: &'static str, text: &'static str, needs: Role) -> Entry {
    let key = None;
    Entry {
        path,
        text,
        needs,
        key,
    }
}

const fn group(text: &'static str, entries: &'static [Entry]) -> Group {
    let text = Some(text);
    Group { text, entries }
}

/// All parts, in the order in which they are shown.
pub(super) const GROUPS: &[Group] = &[
    Group {
        text: None,
        entries: &[
            Entry {
                key: Some("u"),
                ..entry("/", "nav-queue", Role::Viewer)
            },
            entry("/appeals", "nav-appeals", Role::Viewer),
            entry("/search", "nav-search", Role::Viewer),
        ],
    },
    group(
        "nav-results",
        &[
            entry("/decisions", "nav-decisions", Role::Viewer),
            entry("/insights", "nav-insights", Role::Viewer),
            entry("/transparency", "nav-transparency", Role::Viewer),
        ],
    ),
    group(
        "nav-rulebook",
        &[
            entry("/rules", "nav-rules", Role::Viewer),
            entry("/lists", "nav-lists", Role::Viewer),
            entry("/texts", "nav-texts", Role::Editor),
        ],
    ),
    group(
        "nav-operation",
        &[
            entry("/audit", "nav-audit", Role::Auditor),
            entry("/parked", "nav-parked", Role::Admin),
            entry("/rejections", "nav-rejections", Role::Admin),
            entry("/webhooks", "nav-webhooks", Role::Auditor),
        ],
    ),
    group(
        "nav-management",
        &[
            entry("/users", "nav-users", Role::Admin),
            entry("/sites", "nav-sites", Role::Admin),
            entry("/tokens", "nav-tokens", Role::Viewer),
        ],
    ),
];

/// What somebody with a role may see: parts that stand by themselves, and menus. A menu of one is no menu.
pub(super) fn seen_by(role: Option<Role>) -> (Vec<&'static Entry>, Vec<Menu>) {
    let (mut alone, mut menus) = (Vec::new(), Vec::new());
    for group in GROUPS {
        let entries = group.entries.iter();
        let seen = entries.filter(|entry| role.is_some_and(|role| role.at_least(entry.needs)));
        let entries: Vec<_> = seen.collect();
        match group.text {
            Some(text) if entries.len() > 1 => menus.push(Menu { text, entries }),
            _ => alone.extend(entries),
        }
    }
    (alone, menus)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_menu_of_one_is_no_menu() {
        let paths = |entries: &[&'static Entry]| -> Vec<&str> {
            entries.iter().map(|entry| entry.path).collect()
        };
        let menus = |role| seen_by(Some(role)).1;
        let (alone, moderators) = seen_by(Some(Role::Moderator));
        assert_eq!(paths(&alone), ["/", "/appeals", "/search", "/tokens"]);
        let texts: Vec<_> = moderators.iter().map(|menu| menu.text).collect();
        assert_eq!(texts, ["nav-results", "nav-rulebook"]);
        assert_eq!(paths(&moderators[1].entries), ["/rules", "/lists"]);
        assert_eq!(menus(Role::Admin).len(), 4);
        assert!(seen_by(None).0.is_empty());
    }
}
