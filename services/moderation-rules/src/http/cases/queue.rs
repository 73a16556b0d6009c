//! Where the open cases that are asked for are: in the narrowest queue that has all of them.

use stoa_daemon::auth::{Principal, Sites};
use stoa_proto::ids;

use super::{Asked, Cursor};
use crate::view::rows::Queue;
use crate::view::{CASES, CLAIMS, Index, OPEN, QUEUES};

/// Claims that are over and whose cases are put in order; of more, the whole queue has one soon.
const MOST_OVER: usize = 1_000;

/// A place in the queue, and the case there.
pub(super) type Found = Result<(Cursor, String), stoa_store::Error>;

/// Returns places in order, behind the cursor.
pub(super) fn open<'a>(
    index: &'a Index,
    principal: &Principal,
    asked: &Asked,
    cursor: Option<Cursor>,
    now: i64,
) -> Result<Box<dyn Iterator<Item = Found> + 'a>, stoa_store::Error> {
    let (due, seq) = cursor.map_or((i64::MIN, 0), |Cursor(due, seq)| {
        (due, seq.saturating_add(1))
    });
    if let (Some(site), Some(comment)) = (&asked.site, &asked.comment) {
        let found = of_comment(index, site, comment, (due, seq));
        return Ok(Box::new(found.into_iter()));
    }
    let queue = narrowest(principal, asked);
    if asked.assignee.as_deref() == Some("none")
        && queue.as_ref().is_none_or(Queue::is_of_site)
        && let Some(over) = over(index, now, Cursor(due, seq))?
    {
        let site = queue.map(|queue| queue.1).unwrap_or_default();
        let free = of_queue(index, Queue::free(&site), (due, seq));
        return Ok(Box::new(merged(free, over.into_iter().map(Ok))));
    }
    Ok(match queue {
        Some(queue) => of_queue(index, queue, (due, seq)),
        None => Box::new(index.view.range(&OPEN, (due, seq)..).map(|entry| {
            let ((due, seq), id) = entry?;
            Ok((Cursor(due, seq), id))
        })),
    })
}

/// Returns the cases whose claims are over, from a place on; none if there are too many to sort.
fn over(
    index: &Index,
    now: i64,
    from: Cursor,
) -> Result<Option<Vec<(Cursor, String)>>, stoa_store::Error> {
    let ended = index.view.range(&CLAIMS, ..(now.saturating_add(1), 0));
    let ended = ended.map(|entry| {
        let (_, (due, seq, id)) = entry?;
        Ok((Cursor(due, seq), id))
    });
    let mut over: Vec<(Cursor, String)> = ended.take(MOST_OVER + 1).collect::<Result<_, _>>()?;
    if over.len() > MOST_OVER {
        return Ok(None);
    }
    over.retain(|(place, _)| *place >= from);
    over.sort_unstable();
    Ok(Some(over))
}

/// Goes through two queues at once, in the order of both.
fn merged(
    one: impl Iterator<Item = Found>,
    other: impl Iterator<Item = Found>,
) -> impl Iterator<Item = Found> {
    let (mut one, mut other) = (one.peekable(), other.peekable());
    std::iter::from_fn(move || match (one.peek(), other.peek()) {
        (Some(Ok((first, _))), Some(Ok((second, _)))) if second < first => other.next(),
        (None, _) => other.next(),
        _ => one.next(),
    })
}

/// Returns the cases of a narrower queue, from a place on.
pub(crate) fn of_queue(
    index: &Index,
    queue: Queue,
    (due, seq): (i64, u64),
) -> Box<dyn Iterator<Item = Found> + '_> {
    let Queue(kind, site, value) = queue.clone();
    let found = index.view.range(&QUEUES, (kind, site, value, due, seq)..);
    let found = found.map_while(move |entry| match entry {
        Ok(((kind, site, value, due, seq), id)) => {
            (Queue(kind, site, value) == queue).then_some(Ok((Cursor(due, seq), id)))
        }
        Err(error) => Some(Err(error)),
    });
    Box::new(found)
}

fn of_comment(index: &Index, site: &str, comment: &str, from: (i64, u64)) -> Option<Found> {
    let id = ids::case_id(site, comment);
    match index.view.get(&CASES, &id) {
        Ok(row) => row
            .filter(|row| row.closed.is_none() && row.place() >= from)
            .map(|row| Ok((Cursor(row.place().0, row.place().1), id))),
        Err(error) => Some(Err(error)),
    }
}

fn narrowest(principal: &Principal, asked: &Asked) -> Option<Queue> {
    let only = match &principal.sites {
        Sites::Only(sites) if sites.len() == 1 => sites.iter().next(),
        _ => None,
    };
    let site = asked.site.as_ref().or(only);
    let claimed = match asked.assignee.as_deref() {
        None | Some("none") => None,
        Some("me") => Some(Queue::claimed(&principal.name)),
        Some(name) => Some(Queue::claimed(name)),
    };
    let of_author = site.zip(asked.author.as_ref());
    of_author
        .map(|(site, author)| Queue::author(site, author))
        .or(claimed)
        .or_else(|| Some(Queue::article(site?, asked.article.as_ref()?)))
        .or_else(|| Some(Queue::rule(asked.rule.as_ref()?)))
        .or_else(|| Some(Queue::label(asked.label.as_ref()?)))
        .or_else(|| site.map(|site| Queue::site(site)))
}
