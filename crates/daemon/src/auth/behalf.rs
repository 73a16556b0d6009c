//! Acting for a person: a program that signs people in says whose request it passes on.
//!
//! A token with `on_behalf = true` may send three headers, always together. The request then counts as that person's,
//! with no more than both the token and the person have. Names and sites are percent-encoded where they have more
//! than letters, digits and signs of ASCII.

use axum::http::HeaderMap;

use super::{Principal, Role, Sites};
use crate::Problem;

/// The person's name, for logs and for the record of what was decided by whom.
pub const OF: &str = "stoa-on-behalf-of";
/// The person's role.
pub const ROLE: &str = "stoa-on-behalf-role";
/// The person's sites with a space between two, or `*` for all.
pub const SITES: &str = "stoa-on-behalf-sites";

/// Bytes of a person's name.
const MAX_NAME: usize = 128;

/// Who a request counts as that came with this token: the token itself, or the person that its headers name.
pub(super) fn person(
    token: &Principal,
    may_stand_in: bool,
    headers: &HeaderMap,
) -> Result<Principal, Problem> {
    if [OF, ROLE, SITES]
        .iter()
        .all(|name| !headers.contains_key(*name))
    {
        return Ok(token.clone());
    }
    if !may_stand_in {
        return Err(Problem::forbidden(
            "the token may not act for a person: leave the `Stoa-On-Behalf-…` headers out, or set `on_behalf` for it",
        ));
    }
    let name = decode(one(headers, OF)?)
        .filter(|name| (1..=MAX_NAME).contains(&name.len()) && !name.chars().any(char::is_control));
    let name = name.ok_or_else(|| wrong(OF, "expected a name of 1 to 128 bytes"))?;
    let role = one(headers, ROLE)?;
    let role = Role::ALL.into_iter().find(|known| known.as_str() == role);
    let role = role.ok_or_else(|| wrong(ROLE, "expected the name of a role, as moderator"))?;
    let role = token.role.both(role).ok_or_else(|| {
        Problem::forbidden(format!(
            "the token has the role {}, which has nothing in common with {role}",
            token.role
        ))
    })?;
    let sites = sites(one(headers, SITES)?)
        .ok_or_else(|| wrong(SITES, "expected sites with a space between two, or `*`"))?;
    Ok(Principal {
        name,
        role,
        sites: token.sites.both(&sites),
    })
}

/// The value of a header that is there once.
fn one<'a>(headers: &'a HeaderMap, name: &'static str) -> Result<&'a str, Problem> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (Some(value), None) => value
            .to_str()
            .map_err(|_| wrong(name, "percent-encode what is not ASCII")),
        _ => Err(wrong(name, "the three headers go together, each once")),
    }
}

fn wrong(header: &'static str, detail: &str) -> Problem {
    Problem::bad_request(detail).with_field(header)
}

fn sites(value: &str) -> Option<Sites> {
    if value == "*" {
        return Some(Sites::All);
    }
    let sites: Option<Vec<String>> = value.split_ascii_whitespace().map(decode).collect();
    sites.map(|sites| Sites::Only(sites.into()))
}

/// Decodes percent-encoded UTF-8.
fn decode(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    let digit = |rest: &mut std::str::Bytes<'_>| char::from(rest.next()?).to_digit(16);
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let value = digit(&mut rest)? * 16 + digit(&mut rest)?;
            bytes.push(u8::try_from(value).ok()?);
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderName, HeaderValue, StatusCode, header};

    use super::super::{TokenConfig, Tokens};
    use super::*;
    use crate::config::Secret;

    const TOKEN: &str = "console-0123456789";

    /// Sends headers with a token for the sites `a` and `b`; returns name, role and which of a, b and c are seen.
    fn ask(
        role: Role,
        on_behalf: bool,
        sites: &[&str],
        sent: &[(&'static str, &str)],
    ) -> Result<(String, Role, String), StatusCode> {
        let token = TokenConfig {
            on_behalf,
            sites: sites.iter().map(ToString::to_string).collect(),
            ..TokenConfig::from_secret("console", role, Secret::new(TOKEN))
        };
        let mut headers = HeaderMap::new();
        let value = HeaderValue::from_str(&format!("Bearer {TOKEN}")).unwrap();
        headers.insert(header::AUTHORIZATION, value);
        for (name, value) in sent {
            let value = HeaderValue::from_str(value).unwrap();
            headers.append(HeaderName::from_static(name), value);
        }
        let asked = Tokens::new(&[token]).unwrap().check(&headers);
        let principal = asked.map_err(|problem| problem.status())?;
        let seen = ["a", "b", "c"].into_iter();
        let seen = seen.filter(|site| principal.allows_site(site)).collect();
        Ok((principal.name, principal.role, seen))
    }

    #[test]
    fn a_request_counts_as_the_persons_with_no_more_than_both_have() {
        use Role::{Admin, Auditor, Editor, Moderator, Publisher, Viewer};

        let both = ["a", "b"];
        for (token, token_sites, role, sites, expected) in [
            (Admin, &["*"][..], "moderator", "*", Ok((Moderator, "abc"))),
            (Admin, &["*"], "moderator", "a c", Ok((Moderator, "ac"))),
            (Admin, &both, "admin", "*", Ok((Admin, "ab"))),
            (Moderator, &both, "admin", "b c", Ok((Moderator, "b"))),
            (Moderator, &both, "viewer", "c", Ok((Viewer, ""))),
            (Moderator, &both, "auditor", "a", Ok((Viewer, "a"))),
            (Auditor, &both, "editor", "a", Ok((Viewer, "a"))),
            (Editor, &both, "editor", "", Ok((Editor, ""))),
            (Publisher, &both, "admin", "a", Ok((Publisher, "a"))),
            (Publisher, &both, "editor", "a", Err(StatusCode::FORBIDDEN)),
        ] {
            let sent = [(OF, "zo%C3%A9"), (ROLE, role), (SITES, sites)];
            let found = ask(token, true, token_sites, &sent);
            let expected = expected.map(|(role, seen)| ("zoé".to_owned(), role, seen.to_owned()));
            assert_eq!(found, expected, "{token} for {role} on {sites}");
        }
    }

    #[test]
    fn a_site_may_have_a_space_in_its_name() {
        let sent = [(OF, "zoe"), (ROLE, "viewer"), (SITES, "%61 x%20y")];
        assert_eq!(ask(Role::Admin, true, &["*"], &sent).unwrap().2, "a");
    }

    #[test]
    fn without_the_headers_a_token_is_itself() {
        let own = Ok(("console".to_owned(), Role::Editor, "a".to_owned()));
        assert_eq!(ask(Role::Editor, true, &["a"], &[]), own);
        assert_eq!(ask(Role::Editor, false, &["a"], &[]), own);
    }

    #[test]
    fn any_other_token_is_refused_with_any_of_the_headers() {
        for sent in [
            &[(OF, "zoe"), (ROLE, "viewer"), (SITES, "*")][..],
            &[(OF, "zoe")],
            &[(ROLE, "viewer")],
            &[(SITES, "*")],
        ] {
            let found = ask(Role::Admin, false, &["*"], sent);
            assert_eq!(found, Err(StatusCode::FORBIDDEN), "{sent:?}");
        }
    }

    #[test]
    fn headers_that_say_nothing_clear_are_refused() {
        let (of, role, sites) = ((OF, "zoe"), (ROLE, "viewer"), (SITES, "*"));
        let long = "z".repeat(MAX_NAME + 1);
        for sent in [
            vec![of],
            vec![of, role],
            vec![of, sites],
            vec![role, sites],
            vec![of, of, role, sites],
            vec![of, role, role, sites],
            vec![of, role, sites, sites],
            vec![(OF, ""), role, sites],
            vec![(OF, &long), role, sites],
            vec![(OF, "%0A"), role, sites],
            vec![(OF, "%FF"), role, sites],
            vec![(OF, "%4"), role, sites],
            vec![of, (ROLE, "Viewer"), sites],
            vec![of, (ROLE, "root"), sites],
            vec![of, role, (SITES, "a %zz")],
        ] {
            let found = ask(Role::Admin, true, &["*"], &sent);
            assert_eq!(found, Err(StatusCode::BAD_REQUEST), "{sent:?}");
        }
    }
}
