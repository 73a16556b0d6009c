//! Which sites are served, who may publish for them, and what their readers speak.

use std::collections::HashMap;
use std::sync::Arc;

use stoa_daemon::ConfigError;
use stoa_daemon::auth::Role;
use stoa_normalise::Languages;
use stoa_proto::{Code, Comment, Data, Event, Rejection};

use crate::config::Config;
use crate::intake::Sender;

/// The source of what moderation-rules sends.
const MODERATION: &str = "stoa://moderation-rules";

/// The sites of a configuration.
#[derive(Debug)]
pub(crate) struct Policy {
    /// Whether sites that are not listed are served as well.
    open: bool,
    sites: HashMap<String, Site>,
    languages: Arc<Languages>,
    /// The broker accounts that may order erasures; on the embedded bus whoever writes to it.
    orderers: Option<Vec<String>>,
    /// The broker accounts that may send appeals which were written on Stoa's page; as above.
    appealers: Option<Vec<String>>,
}

#[derive(Debug)]
struct Site {
    sources: Vec<String>,
    accounts: Option<Vec<String>>,
    imports: bool,
    languages: Arc<Languages>,
}

impl Policy {
    /// Reads the configuration's sites; an error names the key.
    pub(crate) fn new(config: &Config, is_embedded: bool) -> Result<Self, ConfigError> {
        let languages = Languages::new(&config.languages)
            .map(Arc::new)
            .map_err(|message| ConfigError::invalid("languages", message))?;
        let mut sites = HashMap::new();
        for (index, site) in config.sites.iter().enumerate() {
            let languages = match &site.languages {
                None => Arc::clone(&languages),
                Some(codes) => Languages::new(codes).map(Arc::new).map_err(|message| {
                    ConfigError::invalid(format!("sites[{index}].languages"), message)
                })?,
            };
            let policy = Site {
                sources: site.sources.clone(),
                accounts: site.accounts.clone(),
                imports: site.imports,
                languages,
            };
            if sites.insert(site.id.clone(), policy).is_some() {
                let message = format!("there are two sites `{}`", site.id);
                return Err(ConfigError::invalid(format!("sites[{index}].id"), message));
            }
        }
        let with_own = |accounts: &[String]| -> Vec<String> {
            // Whoever has this role's own account can publish as it does.
            accounts
                .iter()
                .cloned()
                .chain(config.bus.account())
                .collect()
        };
        Ok(Self {
            open: config.open,
            sites,
            languages,
            orderers: (!is_embedded).then(|| with_own(&config.erasures.accounts)),
            appealers: (!is_embedded).then(|| with_own(&config.appeals.accounts)),
        })
    }

    /// Judges an event's site and source, and returns the languages to expect.
    pub(crate) fn admit(&self, event: &Event, sender: Sender<'_>) -> Result<&Languages, Rejection> {
        let name = event.site();
        if event.is_order() {
            // It comes from the archive, for a site that need not be served any more.
            return self.admit_order(sender).map(|()| &*self.languages);
        }
        if event.source == MODERATION && matches!(event.data, Data::DecisionAppealed(_)) {
            return self.admit_appeal(sender).map(|()| &*self.languages);
        }
        let languages = match self.sites.get(name) {
            Some(site) => {
                if !self.open && !site.sources.contains(&event.source) {
                    return Err(Rejection::field(
                        Code::ForbiddenSource,
                        "source",
                        "this `source` may not publish for this site: list it under the site's `sources`",
                    ));
                }
                if let (Sender::Account(account), Some(known)) = (sender, &site.accounts)
                    && !account.is_some_and(|account| known.iter().any(|known| known == account))
                {
                    return Err(Rejection::field(
                        Code::ForbiddenSource,
                        "data.site",
                        "this broker account may not publish for this site: name the account in the message's \
                         `user_id`, and list it under the site's `accounts`",
                    ));
                }
                &site.languages
            }
            None if self.open => &self.languages,
            None => {
                return Err(Rejection::field(
                    Code::UnknownSite,
                    "data.site",
                    "this site is not configured: add it under `[[sites]]`",
                ));
            }
        };
        if let Sender::Token(principal) = sender
            && !principal.allows_site(name)
        {
            return Err(Rejection::field(
                Code::ForbiddenSource,
                "data.site",
                "the token is not for this site",
            ));
        }
        self.admit_imported(event, sender)?;
        Ok(languages)
    }

    /// Judges who may order that words be erased: the archive alone, which has heard who asks for it.
    fn admit_order(&self, sender: Sender<'_>) -> Result<(), Rejection> {
        if is_listed(sender, self.orderers.as_ref()) {
            return Ok(());
        }
        Err(Rejection::field(
            Code::ForbiddenSource,
            "data.redaction",
            "only the archive orders an erasure: leave `data.redaction` out to ask for one, or list the \
             archive's broker account under `erasures.accounts`",
        ))
    }

    /// Judges who may send an appeal that was written on the page of moderation-rules, which knows
    /// the site, the comment and its author.
    fn admit_appeal(&self, sender: Sender<'_>) -> Result<(), Rejection> {
        if is_listed(sender, self.appealers.as_ref()) {
            return Ok(());
        }
        Err(Rejection::field(
            Code::ForbiddenSource,
            "source",
            "only moderation-rules sends appeals as itself: name your own source, or list its broker \
             account under `appeals.accounts`",
        ))
    }

    /// Judges who may say what had been decided elsewhere: it is taken without a look at the words.
    fn admit_imported(&self, event: &Event, sender: Sender<'_>) -> Result<(), Rejection> {
        let Data::CommentSubmitted(Comment {
            site,
            imported: Some(_),
            ..
        }) = &event.data
        else {
            return Ok(());
        };
        let remedy = match sender {
            Sender::Token(principal) if principal.role.at_least(Role::Admin) => return Ok(()),
            Sender::Token(_) => "send it with a token that has the role admin",
            Sender::Account(_) if self.sites.get(site).is_some_and(|site| site.imports) => {
                return Ok(());
            }
            Sender::Account(_) => "set the site's `imports` for as long as the import takes",
        };
        Err(Rejection::field(
            Code::ForbiddenSource,
            "data.imported",
            format!(
                "an earlier decision is not taken from this sender: {remedy}, or leave \
                 `data.imported` out and have the comment judged"
            ),
        ))
    }
}

/// Tells whether a sender is one of the listed broker accounts; none are listed on the embedded
/// bus, where whoever writes to it is trusted.
fn is_listed(sender: Sender<'_>, accounts: Option<&Vec<String>>) -> bool {
    match (sender, accounts) {
        (Sender::Token(_), _) => false,
        (Sender::Account(_), None) => true,
        (Sender::Account(account), Some(known)) => {
            account.is_some_and(|account| known.iter().any(|known| known == account))
        }
    }
}
