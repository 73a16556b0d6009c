//! Roles: a closed set, and which includes which.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What a token may do.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Sends events: a platform.
    Publisher,
    /// Reads everything, with what is pending or rejected.
    Viewer,
    /// Decides cases, and reads.
    Moderator,
    /// Changes rules, decides cases, and reads.
    Editor,
    /// Reads everything with the record of who did what, and changes nothing.
    Auditor,
    /// Does everything.
    Admin,
}

impl Role {
    /// All roles.
    pub const ALL: [Self; 6] = [
        Self::Publisher,
        Self::Viewer,
        Self::Moderator,
        Self::Editor,
        Self::Auditor,
        Self::Admin,
    ];

    /// Whether this role includes another.
    ///
    /// viewer ⊂ moderator ⊂ editor ⊂ admin, viewer ⊂ auditor ⊂ admin, publisher ⊂ admin.
    pub fn at_least(self, needed: Self) -> bool {
        use Role::{Admin, Auditor, Editor, Moderator, Publisher, Viewer};

        match needed {
            Publisher => matches!(self, Publisher | Admin),
            Viewer => matches!(self, Viewer | Moderator | Editor | Auditor | Admin),
            Moderator => matches!(self, Moderator | Editor | Admin),
            Editor => matches!(self, Editor | Admin),
            Auditor => matches!(self, Auditor | Admin),
            Admin => matches!(self, Admin),
        }
    }

    /// The most that two roles have in common, if anything.
    pub fn both(self, other: Self) -> Option<Self> {
        // A role comes after all that it includes.
        let mut roles = Self::ALL.into_iter().rev();
        roles.find(|role| self.at_least(*role) && other.at_least(*role))
    }

    /// The role's name in configurations.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Publisher => "publisher",
            Self::Viewer => "viewer",
            Self::Moderator => "moderator",
            Self::Editor => "editor",
            Self::Auditor => "auditor",
            Self::Admin => "admin",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}
