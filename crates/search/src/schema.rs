//! The fields of the index.
//!
//! | field | what it is |
//! |---|---|
//! | words | words as they are written, with their places, for phrases and beginnings of words |
//! | stems | the stems of the same words, with the language before each |
//! | key | whose words they are; all that is stored |
//! | kind, site, article, author, label, verdict, status, language | what documents are filtered by |
//! | at, seq | what they are sorted by |

use tantivy::schema::{
    FAST, Field, INDEXED, IndexRecordOption, STORED, Schema, TextFieldIndexing, TextOptions,
};
use tantivy::tokenizer::TextAnalyzer;
use tantivy::{Index, TantivyDocument, Term};

use crate::document::{Document, Key};
use crate::language::{Language, primary};
use crate::words::{Cutter, stem_value};

/// The name of the field with the number of the record.
pub(crate) const SEQ: &str = "seq";
/// The name of the field with the time.
pub(crate) const AT: &str = "at";

/// The fields.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fields {
    pub(crate) words: Field,
    pub(crate) stems: Field,
    pub(crate) key: Field,
    pub(crate) kind: Field,
    pub(crate) site: Field,
    pub(crate) article: Field,
    pub(crate) author: Field,
    pub(crate) label: Field,
    pub(crate) verdict: Field,
    pub(crate) status: Field,
    pub(crate) language: Field,
    pub(crate) at: Field,
    seq: Field,
}

impl Fields {
    /// Makes the schema.
    pub(crate) fn new() -> (Schema, Self) {
        let text = |cutter: &str, option| {
            let indexing = TextFieldIndexing::default()
                .set_tokenizer(cutter)
                .set_index_option(option);
            TextOptions::default().set_indexing_options(indexing)
        };
        let filter = || {
            let indexing = TextFieldIndexing::default()
                .set_tokenizer("raw")
                .set_fieldnorms(false)
                .set_index_option(IndexRecordOption::Basic);
            TextOptions::default().set_indexing_options(indexing)
        };
        let mut schema = Schema::builder();
        let fields = Self {
            words: schema.add_text_field(
                "words",
                text("words", IndexRecordOption::WithFreqsAndPositions),
            ),
            stems: schema.add_text_field("stems", text("stems", IndexRecordOption::WithFreqs)),
            key: schema.add_text_field("key", filter() | STORED),
            kind: schema.add_text_field("kind", filter()),
            site: schema.add_text_field("site", filter()),
            article: schema.add_text_field("article", filter()),
            author: schema.add_text_field("author", filter()),
            label: schema.add_text_field("label", filter()),
            verdict: schema.add_text_field("verdict", filter()),
            status: schema.add_text_field("status", filter()),
            language: schema.add_text_field("language", filter()),
            at: schema.add_i64_field(AT, INDEXED | FAST),
            seq: schema.add_u64_field(SEQ, FAST),
        };
        (schema.build(), fields)
    }

    /// Returns the term of a key.
    pub(crate) fn key_term(&self, key: &Key) -> Term {
        Term::from_field_text(self.key, &key.to_term())
    }

    /// Turns a document into fields.
    pub(crate) fn fill(&self, document: &Document) -> TantivyDocument {
        let mut filled = TantivyDocument::new();
        let language = document.language.as_deref();
        let stemmed = language.and_then(Language::of);
        for text in &document.texts {
            filled.add_text(self.words, text);
            if let Some(language) = stemmed {
                filled.add_text(self.stems, stem_value(language, text));
            }
        }
        let key = &document.key;
        filled.add_text(self.key, key.to_term());
        filled.add_text(self.kind, key.kind().as_str());
        filled.add_text(self.site, &key.site);
        filled.add_text(self.article, &key.article);
        filled.add_text(self.status, document.status);
        if let Some(author) = &document.author {
            filled.add_text(self.author, author);
        }
        for label in &document.labels {
            filled.add_text(self.label, label);
        }
        if let Some(verdict) = document.verdict {
            filled.add_text(self.verdict, verdict);
        }
        if let Some(language) = language {
            filled.add_text(self.language, primary(language));
        }
        filled.add_i64(self.at, document.at);
        filled.add_u64(self.seq, document.seq);
        filled
    }
}

/// Registers what cuts texts into terms.
pub(crate) fn register(index: &Index) {
    let cutters = [("words", Cutter::Plain), ("stems", Cutter::Stems)];
    for (name, cutter) in cutters {
        let analyser = TextAnalyzer::builder(cutter).build();
        index.tokenizers().register(name, analyser);
    }
}
