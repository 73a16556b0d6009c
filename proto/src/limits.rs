//! The sizes that Stoa accepts.
//!
//! A limit is part of the contract: it may be raised within `v1`, never lowered.
//! What is over a limit is rejected with the code `too_large` or `too_deep`, the field and the limit.

/// Bytes of one event as JSON.
///
/// 1 MiB holds the longest article with room to spare, and is far below the 16 MiB at which
/// current brokers refuse a message.
pub const EVENT_BYTES: usize = 1024 * 1024;

/// Bytes of one batch of events, as an AMQP message or the body of an HTTP request.
///
/// Eight full events; a consumer's memory is bounded by prefetch × this.
pub const BATCH_BYTES: usize = 8 * 1024 * 1024;

/// Events in one batch: a batch is one unit of acknowledgement, so it must stay small in time.
pub const BATCH_EVENTS: usize = 1_000;

/// Levels of arrays and objects inside each other; the JSON parser itself stops there.
pub const DEPTH: usize = 127;

/// Bytes of a comment's body: some ten printed pages, more than any platform lets readers write.
pub const COMMENT_BYTES: usize = 64 * 1024;

/// Bytes of an article's body; the event's own limit applies as well.
pub const ARTICLE_BYTES: usize = 1024 * 1024;

/// Links in one comment or article: what is over it is a link farm.
pub const LINKS: usize = 1_024;

/// Bytes of an id (site, article, comment, author, event, …): it becomes part of every key.
pub const ID_BYTES: usize = 256;

/// Bytes of a source or another URI: what browsers and proxies take in a request line.
pub const URI_BYTES: usize = 2_048;

/// Bytes of a name of a person or of a medium.
pub const NAME_BYTES: usize = 1_024;

/// Bytes of a title.
pub const TITLE_BYTES: usize = 4_096;

/// Bytes of free text beside the body: a report's or an appeal's text, a reason.
pub const NOTE_BYTES: usize = 16 * 1024;

/// Entries of a list in an event: authors, attributions, credits, tags.
pub const LIST_ENTRIES: usize = 256;

/// Events that one request may ask about, whether a role holds them or sends them again: a page of
/// what was published, and as much again.
pub const REFERENCES: usize = 4_000;
