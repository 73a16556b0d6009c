//! Orders and cursors.

use std::collections::BTreeSet;

use super::*;

/// Turns the pages of a search, and calls `between` after each.
fn turn(
    opened: &mut Opened,
    text: &str,
    order: Order,
    mut between: impl FnMut(&mut Opened),
) -> Vec<String> {
    let query = Query::parse(text).unwrap();
    let filters = Filters::default();
    let mut found = Vec::new();
    let mut after = None;
    loop {
        let page = Page {
            order,
            after,
            limit: 3,
        };
        let hits = opened
            .searcher
            .search(text, &query, &filters, &page)
            .unwrap();
        assert!(hits.hits.len() <= 3);
        found.extend(hits.hits.into_iter().filter_map(|hit| hit.key.comment));
        let Some(next) = hits.next else { break };
        after = Some(Searcher::cursor(&next.write(), text, &filters, order).unwrap());
        between(opened);
    }
    found
}

fn documents() -> Vec<Document> {
    let mut documents: Vec<Document> = (0..20)
        .map(|n| {
            comment(
                n,
                &format!("word {}", "other ".repeat(usize::try_from(n % 5).unwrap())),
            )
        })
        .collect();
    // Some of the same moment.
    for document in documents.iter_mut().skip(10) {
        document.at = 10;
    }
    documents
}

#[test]
fn orders() {
    let fixture = Fixture::new();
    let mut opened = fixture.open();
    put(&mut opened, &documents());
    let ids = |numbers: Vec<u64>| -> Vec<String> {
        numbers.into_iter().map(|n| format!("c-{n}")).collect()
    };
    let oldest = turn(&mut opened, "word", Order::Oldest, |_| {});
    assert_eq!(oldest, ids((0..20).collect()));
    let newest = turn(&mut opened, "word", Order::Newest, |_| {});
    assert_eq!(newest, ids((0..20).rev().collect()));
    let relevance = turn(&mut opened, "word", Order::Relevance, |_| {});
    // The shorter the better, and then the newest.
    let by_length = (0..5).flat_map(|length| (0..4).rev().map(move |n| n * 5 + length));
    assert_eq!(relevance, ids(by_length.collect()));
}

#[test]
fn pages_are_stable_while_others_come() {
    for order in [Order::Relevance, Order::Newest, Order::Oldest] {
        let fixture = Fixture::new();
        let mut opened = fixture.open();
        let documents = documents();
        put(&mut opened, &documents);
        let before = turn(&mut opened, "word OR other", order, |_| {});
        assert_eq!(before.len(), 20);
        let mut n = 100;
        let during = turn(&mut opened, "word OR other", order, |opened| {
            // New ones, and others that are put again, as decisions do.
            let again = documents[usize::try_from(n % 20).unwrap()].clone();
            let long = comment(n + 1, &"other word ".repeat(9));
            put(opened, &[comment(n, "word"), long, again]);
            n += 2;
        });
        let distinct: BTreeSet<&String> = during.iter().collect();
        assert_eq!(distinct.len(), during.len(), "{order:?}: none comes twice");
        let mut known = during.clone();
        known.retain(|id| before.contains(id));
        assert_eq!(
            known, before,
            "{order:?}: none is left out, and the order stays"
        );
    }
}

#[test]
fn scores_do_not_depend_on_other_documents() {
    let score = |others: u64| {
        let fixture = Fixture::new();
        let mut opened = fixture.open();
        put(&mut opened, &[comment(0, "some word of some comment")]);
        let others: Vec<Document> = (1..=others).map(|n| comment(n, "word word")).collect();
        put(&mut opened, &others);
        let page = Page {
            order: Order::Relevance,
            after: None,
            limit: 100,
        };
        let query = Query::parse("word").unwrap();
        let hits = opened
            .searcher
            .search("word", &query, &Filters::default(), &page)
            .unwrap();
        let hit = hits.hits.into_iter().find(|hit| hit.key == key("c-0"));
        hit.unwrap().score
    };
    assert_eq!(score(1), score(30));
}
