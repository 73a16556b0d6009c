//! From what is looked for to what tantivy does.

use std::ops::Bound;

use tantivy::Term as IndexTerm;
use tantivy::query::{
    AllQuery, BooleanQuery, ConstScoreQuery, EmptyQuery, Occur, PhraseQuery, Query as IndexQuery,
    RangeQuery, TermQuery, TermSetQuery,
};
use tantivy::schema::{Field, IndexRecordOption};

use crate::document::Kind;
use crate::language::{Language, primary};
use crate::query::{Query, Term};
use crate::schema::Fields;
use crate::words::{Word, stem_term};

/// Which documents may be found; each of them says something only if it is given.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Filters {
    /// Of this site; without it, of all sites.
    pub site: Option<String>,
    /// Comments or articles.
    pub kind: Option<Kind>,
    /// Of this article.
    pub article: Option<String>,
    /// By this author.
    pub author: Option<String>,
    /// With this label.
    pub label: Option<String>,
    /// With this verdict.
    pub verdict: Option<String>,
    /// With one of these.
    pub statuses: Option<Vec<&'static str>>,
    /// In this language.
    pub language: Option<String>,
    /// From this moment on, in microseconds since 1970.
    pub from: Option<i64>,
    /// Before this moment.
    pub to: Option<i64>,
}

type Clause = (Occur, Box<dyn IndexQuery>);

/// Makes tantivy's query.
pub(crate) fn plan(fields: &Fields, query: &Query, filters: &Filters) -> BooleanQuery {
    let language = filters.language.as_deref().map(primary);
    let languages: Vec<Language> = Language::ALL
        .into_iter()
        .filter(|one| language.as_deref().is_none_or(|code| one.code() == code))
        .collect();
    let mut clauses: Vec<Clause> = Vec::new();
    for group in &query.groups {
        let terms = group.iter().map(|term| one(fields, term, &languages));
        clauses.push((Occur::Must, either(terms.collect())));
    }
    for term in &query.without {
        clauses.push((Occur::MustNot, one(fields, term, &languages)));
    }
    let filters = self::filters(fields, filters);
    let filters = filters
        .into_iter()
        .map(|filter| -> Box<dyn IndexQuery> { Box::new(ConstScoreQuery::new(filter, 0.0)) });
    clauses.extend(filters.map(|filter| (Occur::Must, filter)));
    if clauses.is_empty() {
        clauses.push((Occur::Must, Box::new(AllQuery)));
    }
    BooleanQuery::new(clauses)
}

/// Makes what finds one term.
fn one(fields: &Fields, term: &Term, languages: &[Language]) -> Box<dyn IndexQuery> {
    match term {
        Term::Word(word) => {
            let plain = term_query(fields.words, &word.plain());
            let stems = languages.iter().map(|language| {
                let stem = word.stem(&language.stemmer());
                term_query(fields.stems, &stem_term(*language, &stem))
            });
            either(std::iter::once(plain).chain(stems).collect())
        }
        Term::Phrase(words) => phrase(fields.words, words),
        Term::Prefix(word) => {
            let begin = word.plain();
            // No word has a character above this one.
            let end = format!("{begin}\u{10FFFF}");
            Box::new(RangeQuery::new(
                Bound::Included(IndexTerm::from_field_text(fields.words, &begin)),
                Bound::Excluded(IndexTerm::from_field_text(fields.words, &end)),
            ))
        }
    }
}

fn phrase(field: Field, words: &[Word]) -> Box<dyn IndexQuery> {
    match words {
        [] => Box::new(EmptyQuery),
        [word] => term_query(field, &word.plain()),
        words => {
            let terms = words
                .iter()
                .map(|word| IndexTerm::from_field_text(field, &word.plain()));
            Box::new(PhraseQuery::new(terms.collect()))
        }
    }
}

fn term_query(field: Field, text: &str) -> Box<dyn IndexQuery> {
    let term = IndexTerm::from_field_text(field, text);
    Box::new(TermQuery::new(term, IndexRecordOption::WithFreqs))
}

fn either(queries: Vec<Box<dyn IndexQuery>>) -> Box<dyn IndexQuery> {
    let clauses = queries.into_iter().map(|query| (Occur::Should, query));
    Box::new(BooleanQuery::new(clauses.collect()))
}

/// Makes what keeps the documents that may be found.
fn filters(fields: &Fields, filters: &Filters) -> Vec<Box<dyn IndexQuery>> {
    let mut queries: Vec<Box<dyn IndexQuery>> = Vec::new();
    let mut equal = |field: Field, value: Option<&str>| {
        if let Some(value) = value {
            let term = IndexTerm::from_field_text(field, value);
            queries.push(Box::new(TermQuery::new(term, IndexRecordOption::Basic)));
        }
    };
    equal(fields.site, filters.site.as_deref());
    equal(fields.kind, filters.kind.map(Kind::as_str));
    equal(fields.article, filters.article.as_deref());
    equal(fields.author, filters.author.as_deref());
    equal(fields.label, filters.label.as_deref());
    equal(fields.verdict, filters.verdict.as_deref());
    let language = filters.language.as_deref().map(primary);
    equal(fields.language, language.as_deref());
    if let Some(statuses) = &filters.statuses {
        let terms = statuses
            .iter()
            .map(|status| IndexTerm::from_field_text(fields.status, status));
        queries.push(Box::new(TermSetQuery::new(terms)));
    }
    if filters.from.is_some() || filters.to.is_some() {
        let bound = |at: Option<i64>, bound: fn(IndexTerm) -> Bound<IndexTerm>| {
            at.map_or(Bound::Unbounded, |at| {
                bound(IndexTerm::from_field_i64(fields.at, at))
            })
        };
        queries.push(Box::new(RangeQuery::new(
            bound(filters.from, Bound::Included),
            bound(filters.to, Bound::Excluded),
        )));
    }
    queries
}
