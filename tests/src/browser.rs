//! A browser that reads pages and sends forms, without scripts.

use std::collections::BTreeMap;

use reqwest::blocking::{Client, Response};
use reqwest::header::{CONTENT_TYPE, COOKIE, LOCATION, ORIGIN, SET_COOKIE};
use reqwest::redirect::Policy;

/// A browser: it takes the cookie along that a client would keep for TLS, and sends forms as the last page has them.
#[derive(Debug)]
pub struct Browser {
    client: Client,
    base: String,
    cookies: BTreeMap<String, String>,
    /// The page that it shows.
    pub page: String,
}

impl Browser {
    /// Opens a browser for the site that begins so.
    pub fn new(base: String) -> Self {
        Self {
            client: Client::builder().redirect(Policy::none()).build().unwrap(),
            base,
            cookies: BTreeMap::new(),
            page: String::new(),
        }
    }

    /// Returns the cookies that it sends.
    pub fn cookie(&self) -> String {
        let cookies = self.cookies.iter();
        let cookies: Vec<String> = cookies
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        cookies.join("; ")
    }

    /// Reads an answer: status, and where it leads to or nothing.
    fn read(&mut self, answer: Response) -> (u16, String) {
        for cookie in answer.headers().get_all(SET_COOKIE) {
            let pair = cookie.to_str().unwrap().split(';').next().unwrap();
            let (name, value) = pair.split_once('=').unwrap();
            self.cookies.insert(name.to_owned(), value.to_owned());
        }
        let to = answer.headers().get(LOCATION);
        let to = to.map_or(String::new(), |to| to.to_str().unwrap().to_owned());
        let status = answer.status().as_u16();
        // What texts isolate is for people.
        self.page = answer.text().unwrap().replace(['\u{2068}', '\u{2069}'], "");
        (status, to)
    }

    /// Follows a link; returns the status.
    pub fn get(&mut self, path: &str) -> u16 {
        let request = self.client.get(format!("{}{path}", self.base));
        let answer = request.header(COOKIE, self.cookie()).send().unwrap();
        self.read(answer).0
    }

    /// Sends the form of the last page; returns the status, and where it leads to or nothing.
    pub fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> (u16, String) {
        let mut url = reqwest::Url::parse("http://form/").unwrap();
        url.query_pairs_mut()
            .extend_pairs(fields)
            .append_pair("form", &self.between("name=\"form\" value=\"", "\""));
        let request = self.client.post(format!("{}{path}", self.base));
        let request = request
            .header(COOKIE, self.cookie())
            .header(ORIGIN, &self.base)
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded");
        let answer = request
            .body(url.query().unwrap().to_owned())
            .send()
            .unwrap();
        self.read(answer)
    }

    /// What stands on the page between two texts, or nothing.
    pub fn between(&self, begin: &str, end: &str) -> String {
        let rest = self.page.split_once(begin).map_or("", |(_, rest)| rest);
        rest.split(end).next().unwrap_or_default().to_owned()
    }
}
