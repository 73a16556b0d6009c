//! Requests whose refusals are shown in full: what is wrong with a rule set, or that somebody else was faster.

use reqwest::{Method, StatusCode};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{Backend, Error, Refusal};
use crate::accounts::User;

/// What a role is asked.
#[derive(Debug)]
pub(crate) struct Question<'a> {
    pub(crate) method: Method,
    pub(crate) path: &'a [&'a str],
    /// The version that is to be replaced.
    pub(crate) replaces: Option<&'a str>,
    pub(crate) query: &'a [(&'a str, &'a str)],
    pub(crate) body: Option<&'a Value>,
}

/// What it answers: what was asked for, or a problem document.
#[derive(Debug)]
pub(crate) struct Answered {
    pub(crate) status: StatusCode,
    pub(crate) body: Value,
}

impl Answered {
    /// What is wrong, as a code for programs; empty where nothing is.
    pub(crate) fn code(&self) -> &str {
        let code = self.body.get("code").and_then(Value::as_str);
        code.filter(|_| !self.status.is_success())
            .unwrap_or_default()
    }

    /// What is wrong, for people.
    pub(crate) fn refusal(&self) -> Refusal {
        serde_json::from_value(self.body.clone()).unwrap_or_default()
    }

    /// Reads what was asked for.
    pub(crate) fn read<T: DeserializeOwned>(self) -> Result<T, Error> {
        if !self.status.is_success() {
            return Err(Error::Refused(self.refusal()));
        }
        let read = serde_json::from_value(self.body);
        read.map_err(|error| Error::Unavailable(error.to_string()))
    }
}

impl Backend {
    /// Asks something of which a refusal is an answer, too.
    pub(crate) async fn ask(&self, user: &User, question: Question<'_>) -> Result<Answered, Error> {
        let mut url = self.address(question.path)?;
        if !question.query.is_empty() {
            url.query_pairs_mut().extend_pairs(question.query);
        }
        let mut request = self.request(question.method, url, user);
        if let Some(hash) = question.replaces {
            request = request.header(reqwest::header::IF_MATCH, format!("\"{hash}\""));
        }
        if let Some(body) = question.body {
            request = request.json(body);
        }
        let answer = request.send().await;
        let answer = answer.map_err(|error| self.unavailable(&error))?;
        let status = answer.status();
        let is_told = matches!(
            status,
            StatusCode::BAD_REQUEST
                | StatusCode::CONFLICT
                | StatusCode::PRECONDITION_FAILED
                | StatusCode::PAYLOAD_TOO_LARGE
                | StatusCode::UNPROCESSABLE_ENTITY
        );
        if !status.is_success() && !is_told {
            return Err(self.refused(answer).await);
        }
        let body = answer.json().await;
        let body = body.map_err(|error| self.unavailable(&error))?;
        Ok(Answered { status, body })
    }
}
