//! WordPress (WXR): an RSS file whose items hold their comments.
//!
//! What is private to WordPress is known by its namespace, of whatever version.
//! Meta data, which may be serialised PHP, is passed over.

use stoa_proto::{Format, ImportedState};

use super::input::Input;
use super::item::{Article, Author, Broken, Comment, Item, Malformed, Take, article_id, some};
use super::when;
use super::xml::{Fields, Xml};

const COMMENT: [&str; 9] = [
    "wp:comment_id",
    "wp:comment_author",
    "wp:comment_date",
    "wp:comment_date_gmt",
    "wp:comment_content",
    "wp:comment_approved",
    "wp:comment_type",
    "wp:comment_parent",
    "wp:comment_user_id",
];

/// What is known of a post before its first comment.
#[derive(Debug, Default)]
struct Post {
    link: String,
    guid: String,
    title: String,
    body: String,
    id: String,
    date: String,
    status: String,
    password: String,
    comments: String,
    /// Its article, once a comment came.
    article: Option<String>,
}

/// Reads an export.
pub(super) fn read(input: Input, take: Take<'_>) -> Result<(), Broken> {
    let mut xml = Xml::open(input, "rss", "WordPress export")?;
    while let Some(channel) = xml.child()? {
        if channel.name != "channel" {
            xml.skip()?;
            continue;
        }
        while let Some(element) = xml.child()? {
            if element.name == "item" {
                item(&mut xml, &format!("line {}", element.line), take)?;
            } else {
                xml.skip()?;
            }
        }
    }
    xml.finish()
}

fn item(xml: &mut Xml, at: &str, take: Take<'_>) -> Result<(), Broken> {
    let mut post = Post::default();
    while let Some(element) = xml.child()? {
        let place = match element.name.as_str() {
            "wp:comment" => {
                let fields = xml.fields(&COMMENT)?;
                let line = format!("line {}", element.line);
                comment(&mut post, &fields, at, line, take)?;
                continue;
            }
            "title" => &mut post.title,
            "link" => &mut post.link,
            "guid" => &mut post.guid,
            "content:encoded" => &mut post.body,
            "wp:post_id" => &mut post.id,
            "wp:post_date_gmt" => &mut post.date,
            "wp:status" => &mut post.status,
            "wp:post_password" => &mut post.password,
            "wp:comment_status" => &mut post.comments,
            _ => {
                xml.skip()?;
                continue;
            }
        };
        *place = xml.text()?;
    }
    Ok(())
}

fn comment(
    post: &mut Post,
    fields: &Fields,
    at: &str,
    line: String,
    take: Take<'_>,
) -> Result<(), Broken> {
    let kind = fields.text("wp:comment_type").trim();
    let skipped = match kind {
        "" | "comment" => None,
        "pingback" => Some("pingback"),
        "trackback" => Some("trackback"),
        _ => Some("other comment type"),
    };
    if let Some(why) = skipped {
        return take(Item::Skipped { at: line, why });
    }
    let article = if let Some(article) = &post.article {
        article.clone()
    } else {
        let found = post.article(at);
        let id = found.id.clone();
        post.article = Some(id.clone());
        if post.is_hidden() {
            let (at, why) = (found.at, "article that is not public");
            take(Item::Skipped { at, why })?;
        } else if !id.is_empty() {
            take(Item::Article(Box::new(found)))?;
        }
        id
    };
    let id = fields.some("wp:comment_id");
    take(match read_comment(post, article, fields, line.clone()) {
        Ok(comment) => Item::Comment(Box::new(comment)),
        Err(message) => Item::Malformed(Malformed {
            at: line,
            id,
            message,
        }),
    })
}

fn read_comment(
    post: &Post,
    article: String,
    fields: &Fields,
    at: String,
) -> Result<Comment, String> {
    if article.is_empty() {
        return Err("its item has neither `link` nor `wp:post_id`".to_owned());
    }
    let id = fields
        .some("wp:comment_id")
        .ok_or("`wp:comment_id` is absent")?;
    let written = match when::sql("wp:comment_date_gmt", fields.text("wp:comment_date_gmt"))? {
        Some(time) => Some(time),
        // The site's own clock, when there is no other: better than no order at all.
        None => when::sql("wp:comment_date", fields.text("wp:comment_date"))?,
    };
    let zero_is_none = |text: &str| some(text).filter(|id| id != "0");
    Ok(Comment {
        at,
        id,
        article,
        parent: zero_is_none(fields.text("wp:comment_parent")),
        author: Author {
            account: zero_is_none(fields.text("wp:comment_user_id")),
            name: fields.some("wp:comment_author"),
        },
        body: fields
            .some("wp:comment_content")
            .map(|text| breaks(&text))
            .unwrap_or_default(),
        format: Format::Html,
        written,
        state: post.state(fields.text("wp:comment_approved").trim())?,
        score: None,
        url: None,
    })
}

/// Makes line breaks of lines, as WordPress does when it shows a comment.
fn breaks(text: &str) -> String {
    text.replace("\r\n", "\n").replace('\n', "<br>\n")
}

impl Post {
    fn article(&self, at: &str) -> Article {
        let link = some(&self.link).or_else(|| some(&self.guid));
        let id = link.as_deref().map(article_id).filter(|id| !id.is_empty());
        let id = id.or_else(|| some(&self.id).map(|id| format!("wordpress-{id}")));
        Article {
            at: at.to_owned(),
            id: id.unwrap_or_default(),
            url: link,
            title: self.title.trim().to_owned(),
            body: self.body.trim().to_owned(),
            format: Format::Html,
            // An article without its date is still what is discussed.
            published_at: when::sql("wp:post_date_gmt", &self.date).unwrap_or_default(),
            open: some(&self.comments).map(|status| status == "open"),
        }
    }

    /// Whether not everyone could read it.
    fn is_hidden(&self) -> bool {
        let is_public = matches!(self.status.trim(), "" | "publish" | "inherit" | "closed");
        !is_public || some(&self.password).is_some()
    }

    /// Returns what had become of a comment; what stood under a post that was not public was not
    /// public either.
    fn state(&self, approved: &str) -> Result<ImportedState, String> {
        Ok(match approved {
            "trash" | "post-trashed" => ImportedState::Deleted,
            "spam" => ImportedState::Spam,
            "1" | "approve" | "approved" if self.status.trim() == "trash" => ImportedState::Deleted,
            "1" | "approve" | "approved" if self.is_hidden() => ImportedState::Pending,
            "1" | "approve" | "approved" => ImportedState::Visible,
            "0" | "hold" => ImportedState::Pending,
            _ => return Err("`wp:comment_approved` is none of 1, 0, spam, trash".to_owned()),
        })
    }
}
