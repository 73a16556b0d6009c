//! People whom a provider of OpenID Connect knows: their accounts follow from what it says at each sign-in.

use stoa_daemon::auth::Role;

use super::entry::{Act, Origin, User};
use super::{Accounts, MAX_ID, MAX_NAME, Refused};

/// What a provider says of somebody.
#[derive(Clone, Debug)]
pub(crate) struct Claimed {
    /// Who says it.
    pub(crate) issuer: String,
    /// Whom it means, for ever.
    pub(crate) subject: String,
    /// What they would be called here, if nobody else is.
    pub(crate) id: String,
    pub(crate) name: String,
    /// What follows from their groups.
    pub(crate) role: Role,
    pub(crate) sites: Vec<String>,
}

/// Makes a name to sign in with out of what a provider calls somebody.
fn plain(id: &str) -> String {
    let id = id.split('@').next().unwrap_or_default().to_lowercase();
    let keep = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "._-".contains(c);
    // Some are left for a number.
    let kept: String = id.chars().filter(|c| keep(*c)).take(MAX_ID - 8).collect();
    if kept.is_empty() {
        "user".to_owned()
    } else {
        kept
    }
}

impl Accounts {
    /// Signs somebody in with a browser whom a provider knows; returns the secret of the session.
    ///
    /// Their account is made if there is none, and has the name, role and sites that the provider says.
    pub(crate) async fn enter_claimed(
        &self,
        origin: &Origin,
        agent: &str,
        claimed: Claimed,
    ) -> Result<String, Refused> {
        let name: String = claimed.name.chars().filter(|c| !c.is_control()).collect();
        let name: String = name.trim().chars().take(MAX_NAME).collect();
        let _writing = self.0.writing.lock().await;
        let known = self
            .state()
            .linked(&claimed.issuer, &claimed.subject)
            .cloned();
        let id = known
            .as_ref()
            .map_or_else(|| self.free(&claimed.id), |user| user.id.clone());
        let after = User {
            name: if name.is_empty() { id.clone() } else { name },
            id,
            role: claimed.role,
            sites: claimed.sites,
            disabled: known.as_ref().is_some_and(|user| user.disabled),
        };
        if after.disabled {
            let user = Some(after.id);
            self.write(origin, vec![Act::SignInRefused { user }])
                .await?;
            return Err(Refused::Said("oidc-disabled"));
        }
        let user = after.id.clone();
        let mut acts = Vec::new();
        match known {
            None => {
                acts.push(Act::Added { after });
                acts.push(Act::Linked {
                    user: user.clone(),
                    issuer: claimed.issuer,
                    subject: claimed.subject,
                });
            }
            Some(before) if before != after => acts.push(Act::Changed { before, after }),
            Some(_) => {}
        }
        acts.push(Act::SignedIn { user: user.clone() });
        let mut origin = origin.clone();
        origin.by = Some(user.clone());
        self.write(&origin, acts).await?;
        Ok(self.session_for(&origin, agent, user))
    }

    /// A name like this one that nobody has.
    fn free(&self, id: &str) -> String {
        let id = plain(id);
        let state = self.state();
        let others = (2_u32..).map(|n| format!("{id}-{n}"));
        let mut names = std::iter::once(id.clone()).chain(others);
        names
            .find(|name| state.user(name).is_none())
            .unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_made_plain() {
        for (id, expected) in [
            ("Zoe.Marchal@example.org", "zoe.marchal"),
            ("Ünal <b>", "nalb"),
            ("Жанна", "user"),
            ("", "user"),
        ] {
            assert_eq!(plain(id), expected, "{id}");
        }
        assert_eq!(plain(&"x".repeat(99)).len(), MAX_ID - 8);
    }
}
