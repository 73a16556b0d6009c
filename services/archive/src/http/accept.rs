//! Which form of a page its reader wants: `Accept`, as far as it matters here.

/// `application/activity+json`.
pub(super) const ACTIVITY: &str = "application/activity+json";
/// The same as JSON-LD.
pub(super) const LINKED: &str =
    "application/ld+json; profile=\"https://www.w3.org/ns/activitystreams\"";

/// A form of a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// For people.
    Page,
    /// For programs that speak ActivityStreams 2.0; the media type that they named.
    Activity(&'static str),
}

/// Returns the form that an `Accept` header prefers; a page unless ActivityStreams is named and
/// HTML is not named with as much weight.
pub(super) fn of(accept: &[u8]) -> Form {
    let accept = str::from_utf8(accept).unwrap_or_default();
    let (mut page, mut activity) = (0.0, (0.0, ACTIVITY));
    for named in accept.split(',') {
        let mut parameters = named.split(';').map(str::trim);
        let kind = parameters.next().unwrap_or_default().to_ascii_lowercase();
        let (mut weight, mut profile) = (1.0_f32, "");
        for (name, value) in parameters.filter_map(|parameter| parameter.split_once('=')) {
            match name.trim().to_ascii_lowercase().as_str() {
                "q" => weight = value.trim().parse().unwrap_or(0.0),
                "profile" => profile = value.trim().trim_matches('"'),
                _ => {}
            }
        }
        let is_activity = profile
            .split_ascii_whitespace()
            .any(|profile| profile == "https://www.w3.org/ns/activitystreams");
        let named = match kind.as_str() {
            "text/html" | "application/xhtml+xml" => {
                page = weight.max(page);
                continue;
            }
            ACTIVITY => ACTIVITY,
            "application/ld+json" if is_activity => LINKED,
            _ => continue,
        };
        if weight > activity.0 {
            activity = (weight, named);
        }
    }
    if activity.0 > page {
        Form::Activity(activity.1)
    } else {
        Form::Page
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wanted() {
        for (accept, expected) in [
            ("", Form::Page),
            ("*/*", Form::Page),
            ("text/html,application/xhtml+xml,*/*;q=0.8", Form::Page),
            ("application/activity+json", Form::Activity(ACTIVITY)),
            (
                "Application/Activity+JSON; q=0.5, */*",
                Form::Activity(ACTIVITY),
            ),
            (LINKED, Form::Activity(LINKED)),
            ("application/ld+json", Form::Page),
            (
                "application/ld+json; profile=\"https://schema.org\"",
                Form::Page,
            ),
            (
                "application/ld+json; profile=\"https://www.w3.org/ns/activitystreams\", \
                 application/activity+json",
                Form::Activity(LINKED),
            ),
            (
                "text/html;q=0.9, application/activity+json",
                Form::Activity(ACTIVITY),
            ),
            ("text/html, application/activity+json", Form::Page),
            ("application/activity+json;q=0", Form::Page),
            ("application/activity+json;q=nonsense", Form::Page),
        ] {
            assert_eq!(of(accept.as_bytes()), expected, "{accept}");
        }
        assert_eq!(of(b"\xff"), Form::Page);
    }
}
