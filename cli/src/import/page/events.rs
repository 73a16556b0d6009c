//! The events of a page. Their ids depend on the page alone, so that a second import is a repeat.

use stoa_proto::{Article, Author, Comment, CommentPolicy, Data, Event, Format, ids, limits};

use super::parse::Page;

/// Characters of an id that is made from words.
const SLUG: usize = 80;

/// What the page does not say of itself.
#[derive(Clone, Debug, Default)]
pub(super) struct Naming {
    /// The site.
    pub(super) site: String,
    /// The article's id; made from the title unless given.
    pub(super) article: Option<String>,
    /// The page's address.
    pub(super) url: Option<String>,
    /// The article's language.
    pub(super) language: Option<String>,
    /// The events' source; made from the address or the site unless given.
    pub(super) source: Option<String>,
}

/// Makes the events: the article, then its comments in the order of the page.
///
/// A comment without words makes no event.
/// The page does not say when the article was published, so the event does not either.
pub(super) fn make(page: &mut Page, naming: &Naming) -> Vec<Event> {
    let article = naming
        .article
        .clone()
        .unwrap_or_else(|| slug(&page.title, "page"));
    let source = naming.source.clone().unwrap_or_else(|| source(naming));
    page.comments.retain(|comment| !comment.body.is_empty());
    let policy = CommentPolicy {
        open: page.open,
        members_only: page.members_only,
        count: page.count,
        ..CommentPolicy::default()
    };
    let mut events = vec![event(
        &source,
        &article,
        Data::ArticlePublished(Article {
            site: naming.site.clone(),
            article: article.clone(),
            url: naming.url.clone(),
            title: page.title.clone(),
            body: page.body.join("\n\n"),
            format: Format::Plain,
            language: naming.language.clone(),
            attribution: page.attribution.clone(),
            media_credits: page.media_credits.clone(),
            comments: (policy != CommentPolicy::default()).then_some(policy),
            ..Article::default()
        }),
    )];
    for comment in &page.comments {
        let id = |path: &str| comment_id(&article, path);
        let comment_id = id(&comment.path);
        let mut made = event(
            &source,
            &comment_id,
            Data::CommentSubmitted(Comment {
                site: naming.site.clone(),
                article: article.clone(),
                comment: comment_id.clone(),
                parent: comment.parent.as_deref().map(id),
                revision: 1,
                author: Author {
                    id: slug(&comment.display_name, "author"),
                    display_name: Some(comment.display_name.clone()),
                    name: comment.name.clone(),
                    presence: comment.presence,
                    ..Author::default()
                },
                body: comment.body.clone(),
                submitted_at: comment.submitted_at.clone(),
                score: comment.score,
                ..Comment::default()
            }),
        );
        made.time.clone_from(&comment.submitted_at);
        events.push(made);
    }
    events
}

/// Makes an event whose id depends on all that it says: an unchanged page is a repeat, and a page
/// that changed is not taken for the one before.
fn event(source: &str, subject: &str, data: Data) -> Event {
    let mut event = Event::new("", source, data);
    event.subject = Some(subject.to_owned());
    let text = String::from_utf8_lossy(&event.to_json()).into_owned();
    event.id = ids::derive("page-", &[&text]);
    event
}

/// Names a comment by its place under the article; a place too deep to be written is digested.
fn comment_id(article: &str, path: &str) -> String {
    let id = format!("{article}.{path}");
    if id.len() <= limits::ID_BYTES {
        id
    } else {
        ids::derive("page-", &[article, path])
    }
}

/// Names the platform: the address's host, or the site.
fn source(naming: &Naming) -> String {
    let host = naming.url.as_deref().and_then(|url| {
        let (scheme, rest) = url.split_once("://")?;
        Some(format!("{scheme}://{}", rest.split('/').next()?))
    });
    host.unwrap_or_else(|| format!("urn:stoa:page:{}", slug(&naming.site, "site")))
}

/// Makes an id of words: letters and digits in lower case with hyphens between; letters of any
/// script stay. Words that are cut off or without a letter are told apart by a digest.
pub(super) fn slug(text: &str, prefix: &str) -> String {
    let mut slug = String::new();
    let mut n_chars = 0;
    let mut cut = false;
    for c in text.chars().flat_map(char::to_lowercase) {
        if n_chars >= SLUG {
            cut = true;
            break;
        }
        let c = if c.is_alphanumeric() { c } else { '-' };
        if c == '-' && (slug.is_empty() || slug.ends_with('-')) {
            continue;
        }
        slug.push(c);
        n_chars += 1;
    }
    // An id has a limit in bytes, and comments add their number to the article's.
    while slug.len() > 180 {
        slug.pop();
        cut = true;
    }
    let slug = slug.trim_end_matches('-');
    if slug.is_empty() {
        return ids::derive(&format!("{prefix}-"), &[text])
            .chars()
            .take(prefix.len() + 13)
            .collect();
    }
    if cut {
        let digest: String = ids::derive("", &[text]).chars().take(12).collect();
        return format!("{}-{digest}", slug.trim_end_matches('-'));
    }
    slug.to_owned()
}
