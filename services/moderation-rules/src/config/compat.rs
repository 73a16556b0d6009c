//! Requests in the shapes of other services.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use stoa_daemon::ConfigError;
use stoa_daemon::auth::signature::Secrets;
use stoa_daemon::config::Secret;

use super::ScorerConfig;

/// `OpenAI`'s categories, in the order of its documents.
pub(crate) const CATEGORIES: [&str; 13] = [
    "harassment",
    "harassment/threatening",
    "hate",
    "hate/threatening",
    "illicit",
    "illicit/violent",
    "self-harm",
    "self-harm/intent",
    "self-harm/instructions",
    "sexual",
    "sexual/minors",
    "violence",
    "violence/graphic",
];

/// Requests in the shapes of other services.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CompatConfig {
    /// The site whose rules judge what names no site, where the token is not for one site alone.
    #[serde(default)]
    pub site: Option<String>,
    /// What Perspective's attributes are made of.
    pub attributes: BTreeMap<String, ServedConfig>,
    /// What `OpenAI`'s categories are made of.
    pub categories: BTreeMap<String, ServedConfig>,
    /// What Akismet's clients are told.
    pub akismet: AkismetConfig,
    /// Sites of Coral.
    #[serde(default)]
    pub coral: Vec<CoralConfig>,
}

/// What an attribute or a category is made of; without labels and score it is not served.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServedConfig {
    /// Labels that rules give.
    #[serde(default)]
    pub labels: Vec<String>,
    /// A score of `[[scorers]]`.
    #[serde(default)]
    pub score: Option<String>,
    /// The value if a rule with one of the labels fires, 0 to 1.
    #[serde(default = "hit")]
    pub hit: f64,
    /// The value from which on a category is true, 0 to 1.
    #[serde(default = "threshold")]
    pub threshold: f64,
}

/// What Akismet's clients are told.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AkismetConfig {
    /// Labels of rejected comments that sites may drop unseen.
    pub discard: Vec<String>,
}

/// A site of Coral.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CoralConfig {
    /// The site whose rules judge.
    pub site: String,
    /// The signing secrets of the phase; several while one is rolled.
    pub secrets: Vec<Secret>,
    /// The phase's body format.
    #[serde(default)]
    pub format: CoralFormat,
    /// From codes of rules' reasons to Coral's.
    #[serde(default)]
    pub reasons: BTreeMap<String, CoralReason>,
    /// From labels to tags.
    #[serde(default)]
    pub tags: BTreeMap<String, CoralTag>,
}

/// The format of the bodies that a phase sends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CoralFormat {
    /// `HTML`.
    #[default]
    Html,
    /// `PLAIN_TEXT`.
    Plain,
}

impl CoralFormat {
    /// Returns the format as events name it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Html => "html",
            Self::Plain => "plain",
        }
    }
}

/// Coral's codes of rejections; Coral refuses a whole answer for one that it does not know.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[expect(missing_docs, reason = "the names are Coral's")]
pub enum CoralReason {
    Offensive,
    Abusive,
    Spam,
    BannedWord,
    Ad,
    IllegalContent,
    HarassmentBullying,
    Misinformation,
    HateSpeech,
    IrrelevantContent,
    Other,
}

/// Coral's tags that a phase may give.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize, utoipa::ToSchema,
)]
#[serde(rename_all = "UPPERCASE")]
#[expect(missing_docs, reason = "the names are Coral's")]
pub enum CoralTag {
    Featured,
    Staff,
}

const fn hit() -> f64 {
    1.0
}

const fn threshold() -> f64 {
    0.5
}

impl CompatConfig {
    /// Refuses what can be read and can't work.
    pub(super) fn validate(&self, scorers: &[ScorerConfig]) -> Result<(), ConfigError> {
        for (name, served) in &self.attributes {
            let key = format!("compat.attributes.{name}");
            let is_sign = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
            if name.is_empty() || !name.chars().all(is_sign) {
                let message = "attributes have capital letters, digits and `_`, as TOXICITY";
                return Err(ConfigError::invalid(key, message));
            }
            served.validate(&key, scorers)?;
        }
        for (name, served) in &self.categories {
            let key = format!("compat.categories.{name}");
            if !CATEGORIES.contains(&name.as_str()) {
                let message = format!("categories are {}", CATEGORIES.join(", "));
                return Err(ConfigError::invalid(key, message));
            }
            served.validate(&key, scorers)?;
        }
        if self.site.as_deref().is_some_and(str::is_empty) {
            return Err(ConfigError::invalid("compat.site", "must not be empty"));
        }
        let mut known: Vec<Secrets> = Vec::new();
        for (index, coral) in self.coral.iter().enumerate() {
            let key = |name: &str| format!("compat.coral[{index}].{name}");
            if coral.site.is_empty() {
                return Err(ConfigError::invalid(key("site"), "must not be empty"));
            }
            let secrets = Secrets::new(&coral.secrets, &key("secrets"))?;
            if known.iter().any(|others| others.overlap(&secrets)) {
                let message = "another site has the same secret: it says which site asks";
                return Err(ConfigError::invalid(key("secrets"), message));
            }
            known.push(secrets);
        }
        Ok(())
    }
}

impl ServedConfig {
    fn validate(&self, key: &str, scorers: &[ScorerConfig]) -> Result<(), ConfigError> {
        for (name, value) in [("hit", self.hit), ("threshold", self.threshold)] {
            if !(0.0..=1.0).contains(&value) {
                return Err(ConfigError::invalid(
                    format!("{key}.{name}"),
                    "must be from 0 to 1",
                ));
            }
        }
        let Some(score) = &self.score else {
            return Ok(());
        };
        let is_given = |scorer: &ScorerConfig| scorer.attributes.contains_key(score);
        if scorers.iter().any(is_given) {
            return Ok(());
        }
        let message = format!("no scorer gives `{score}`: name it in a scorer's `attributes`");
        Err(ConfigError::invalid(format!("{key}.score"), message))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Config, DEFAULT_CONFIG};

    fn load(more: &str) -> Result<Config, ConfigError> {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("config.toml");
        std::fs::write(&file, more).unwrap();
        let config: Config =
            stoa_daemon::config::load_from("moderation-rules", DEFAULT_CONFIG, Some(&file), [])?;
        config.validate()?;
        Ok(config)
    }

    #[test]
    fn what_is_served_is_read_as_it_is_written() {
        let coral = "site = \"courrier\"\nsecrets = [\"first-secret-of-coral\", \"second-secret-of-coral\"]\n\
                     format = \"plain\"\nreasons = { rude = \"HARASSMENT_BULLYING\" }\ntags = { top = \"FEATURED\" }\n";
        let config = load(&format!(
            "[compat.attributes]\nPROFANITY = {{ labels = [\"oath\"], hit = 0.9 }}\nTHREAT = {{ labels = [] }}\n\
             [[compat.coral]]\n{coral}"
        ))
        .unwrap();
        let served = &config.compat.attributes["PROFANITY"];
        assert_eq!((served.hit, served.threshold), (0.9, 0.5));
        assert!(config.compat.attributes["THREAT"].labels.is_empty());
        assert_eq!(config.compat.attributes["INSULT"].labels, ["insult"]);
        let coral = &config.compat.coral[0];
        assert_eq!((coral.format, coral.secrets.len()), (CoralFormat::Plain, 2));
        assert_eq!(coral.reasons["rude"], CoralReason::HarassmentBullying);
        assert_eq!(coral.tags["top"], CoralTag::Featured);
    }

    #[test]
    fn what_cannot_be_served_is_refused_by_its_key() {
        let coral = "[[compat.coral]]\nsite = \"a\"\nsecrets = [\"first-secret-of-coral\"]\n";
        for (more, key) in [
            (
                "[compat.attributes]\ntoxicity = {}\n",
                "compat.attributes.toxicity",
            ),
            (
                "[compat.attributes]\nTHREAT = { hit = 1.5 }\n",
                "compat.attributes.THREAT.hit",
            ),
            (
                "[compat.attributes]\nTHREAT = { score = \"none\" }\n",
                "compat.attributes.THREAT.score",
            ),
            ("[compat.categories]\nrude = {}\n", "compat.categories.rude"),
            (
                "[compat.categories]\nhate = { threshold = -1.0 }\n",
                "compat.categories.hate.threshold",
            ),
            ("[compat]\nsite = \"\"\n", "compat.site"),
            (
                "[[compat.coral]]\nsite = \"a\"\nsecrets = []\n",
                "compat.coral[0].secrets",
            ),
            (
                "[[compat.coral]]\nsite = \"a\"\nsecrets = [\"short\"]\n",
                "compat.coral[0].secrets",
            ),
            (&format!("{coral}{coral}"), "compat.coral[1].secrets"),
            (
                &format!("{coral}reasons = {{ a = \"RUDE\" }}\n"),
                "compat.coral[0].reasons.a",
            ),
            (
                &format!("{coral}tags = {{ a = \"TOP\" }}\n"),
                "compat.coral[0].tags.a",
            ),
        ] {
            let error = load(more).unwrap_err().to_string();
            assert!(error.contains(key), "{key}: {error}");
        }
    }
}
