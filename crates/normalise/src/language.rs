//! Which language a text is written in.
//!
//! Two detectors, each for what it does best. whichlang is quick and the better judge between the
//! sixteen languages that it knows, but knows no others and is never in doubt. So it picks one, and
//! whatlang judges between that one and the site's languages that whichlang does not know, and says
//! how sure it is. Against whatlang alone, on comments of three sites, this names the right
//! language more often and takes half the time (`docs/benchmarks.md`).

use std::collections::HashMap;

use whatlang::{Detector, Lang};

/// Characters that are looked at: more text makes the answer slower, and hardly better.
const SAMPLE_CHARS: usize = 200;

/// Languages that are judged between at least, where the site expects so many: between fewer, the
/// confidence would say little.
const CANDIDATES: usize = 4;

/// The languages that can be told apart, as configurations and events name them (ISO 639-1).
const LANGUAGES: [(&str, Lang); 70] = [
    ("af", Lang::Afr),
    ("am", Lang::Amh),
    ("ar", Lang::Ara),
    ("az", Lang::Aze),
    ("be", Lang::Bel),
    ("bg", Lang::Bul),
    ("bn", Lang::Ben),
    ("ca", Lang::Cat),
    ("cs", Lang::Ces),
    ("cy", Lang::Cym),
    ("da", Lang::Dan),
    ("de", Lang::Deu),
    ("el", Lang::Ell),
    ("en", Lang::Eng),
    ("eo", Lang::Epo),
    ("es", Lang::Spa),
    ("et", Lang::Est),
    ("fa", Lang::Pes),
    ("fi", Lang::Fin),
    ("fr", Lang::Fra),
    ("gu", Lang::Guj),
    ("he", Lang::Heb),
    ("hi", Lang::Hin),
    ("hr", Lang::Hrv),
    ("hu", Lang::Hun),
    ("hy", Lang::Hye),
    ("id", Lang::Ind),
    ("it", Lang::Ita),
    ("ja", Lang::Jpn),
    ("jv", Lang::Jav),
    ("ka", Lang::Kat),
    ("km", Lang::Khm),
    ("kn", Lang::Kan),
    ("ko", Lang::Kor),
    ("la", Lang::Lat),
    ("lt", Lang::Lit),
    ("lv", Lang::Lav),
    ("mk", Lang::Mkd),
    ("ml", Lang::Mal),
    ("mr", Lang::Mar),
    ("my", Lang::Mya),
    ("nb", Lang::Nob),
    ("ne", Lang::Nep),
    ("nl", Lang::Nld),
    ("or", Lang::Ori),
    ("pa", Lang::Pan),
    ("pl", Lang::Pol),
    ("pt", Lang::Por),
    ("ro", Lang::Ron),
    ("ru", Lang::Rus),
    ("si", Lang::Sin),
    ("sk", Lang::Slk),
    ("sl", Lang::Slv),
    ("sn", Lang::Sna),
    ("sr", Lang::Srp),
    ("sv", Lang::Swe),
    ("ta", Lang::Tam),
    ("te", Lang::Tel),
    ("th", Lang::Tha),
    ("tk", Lang::Tuk),
    ("tl", Lang::Tgl),
    ("tr", Lang::Tur),
    ("uk", Lang::Ukr),
    ("ur", Lang::Urd),
    ("uz", Lang::Uzb),
    ("vi", Lang::Vie),
    ("yi", Lang::Yid),
    ("zh", Lang::Cmn),
    ("zu", Lang::Zul),
    ("ak", Lang::Aka),
];

/// The language that whichlang means, if it is one of the above.
fn known(language: whichlang::Lang) -> Lang {
    use whichlang::Lang as Pick;
    match language {
        Pick::Ara => Lang::Ara,
        Pick::Cmn => Lang::Cmn,
        Pick::Deu => Lang::Deu,
        Pick::Eng => Lang::Eng,
        Pick::Fra => Lang::Fra,
        Pick::Hin => Lang::Hin,
        Pick::Ita => Lang::Ita,
        Pick::Jpn => Lang::Jpn,
        Pick::Kor => Lang::Kor,
        Pick::Nld => Lang::Nld,
        Pick::Por => Lang::Por,
        Pick::Rus => Lang::Rus,
        Pick::Spa => Lang::Spa,
        Pick::Swe => Lang::Swe,
        Pick::Tur => Lang::Tur,
        Pick::Vie => Lang::Vie,
    }
}

/// Tells languages apart, among those that a site expects.
///
/// The fewer languages are expected, the better short texts are told apart.
#[derive(Debug)]
pub struct Languages {
    /// Judges between all that are expected.
    all: Detector,
    /// By the language that was picked: judges between it and those that can't be picked.
    by_pick: HashMap<Lang, Detector>,
}

impl Languages {
    /// Makes a detector for ISO 639-1 codes; the error names the code that is not known.
    pub fn new(codes: &[String]) -> Result<Self, String> {
        let languages: Result<Vec<Lang>, String> = codes
            .iter()
            .map(|code| {
                LANGUAGES
                    .iter()
                    .find(|(known, _)| known.eq_ignore_ascii_case(code))
                    .map(|(_, language)| *language)
                    .ok_or_else(|| {
                        format!("`{code}` is not a two-letter language code that can be detected")
                    })
            })
            .collect();
        let languages = languages?;
        let pickable: Vec<Lang> = whichlang::LANGUAGES.iter().copied().map(known).collect();
        let by_pick = languages
            .iter()
            .filter(|language| pickable.contains(language))
            .map(|pick| {
                (
                    *pick,
                    Detector::with_allowlist(candidates(*pick, &languages, &pickable)),
                )
            })
            .collect();
        Ok(Self {
            all: Detector::with_allowlist(languages),
            by_pick,
        })
    }

    /// Returns the language and how sure it is, 0 to 1 in thousandths; `None` for what is not
    /// language, such as digits and emoji.
    pub fn detect(&self, text: &str) -> Option<(&'static str, f32)> {
        let end = text
            .char_indices()
            .nth(SAMPLE_CHARS)
            .map_or(text.len(), |(at, _)| at);
        let sample = text.get(..end)?;
        let pick = known(whichlang::detect_language(sample));
        let info = self
            .by_pick
            .get(&pick)
            .unwrap_or(&self.all)
            .detect(sample)?;
        let code = LANGUAGES
            .iter()
            .find(|(_, language)| *language == info.lang())?
            .0;
        #[expect(
            clippy::cast_possible_truncation,
            reason = "a confidence lies between 0 and 1"
        )]
        let confidence = (info.confidence() as f32 * 1_000.0).round() / 1_000.0;
        Some((code, confidence.clamp(0.0, 1.0)))
    }
}

/// Returns what is judged between after a pick: it, what can't be picked, and, if that is little,
/// the first of the others.
fn candidates(pick: Lang, languages: &[Lang], pickable: &[Lang]) -> Vec<Lang> {
    let others = || languages.iter().copied().filter(|other| *other != pick);
    let mut candidates = vec![pick];
    candidates.extend(others().filter(|other| !pickable.contains(other)));
    for other in others().filter(|other| pickable.contains(other)) {
        if candidates.len() < CANDIDATES {
            candidates.push(other);
        }
    }
    candidates
}

#[cfg(test)]
mod tests {
    use super::*;

    fn languages(codes: &[&str]) -> Languages {
        Languages::new(
            &codes
                .iter()
                .map(|code| (*code).to_owned())
                .collect::<Vec<_>>(),
        )
        .unwrap()
    }

    #[test]
    fn tells_expected_languages_apart() {
        let languages = languages(&["fr", "en", "de", "ru", "zh", "ar"]);
        for (text, code) in [
            ("Je ne suis pas du tout d'accord avec cet article.", "fr"),
            ("This is not what the minister said yesterday.", "en"),
            ("Das ist doch alles völlig übertrieben, finde ich.", "de"),
            ("Это совершенно не так, автор ошибается.", "ru"),
            ("这篇文章写得很好", "zh"),
            ("هذا المقال ممتاز جدا", "ar"),
        ] {
            let (found, confidence) = languages.detect(text).unwrap();
            assert_eq!(found, code, "{text}");
            assert!((0.0..=1.0).contains(&confidence), "{text}: {confidence}");
        }
    }

    #[test]
    fn what_is_no_language_has_none() {
        let languages = languages(&["fr", "en"]);
        for text in ["", "12 34", "👍👍", "…!?"] {
            assert_eq!(languages.detect(text), None, "{text}");
        }
    }

    #[test]
    fn languages_that_are_never_picked_are_found_all_the_same() {
        let languages = languages(&["fr", "en", "it", "ro", "pl", "uk"]);
        for (text, code) in [
            (
                "Nu cred că această hotărâre va schimba ceva pentru cetățeni.",
                "ro",
            ),
            (
                "Nie zgadzam się z autorem, bo ceny biletów znowu wzrosły.",
                "pl",
            ),
            (
                "Чому ніхто не запитав мешканців сусідньої вулиці про це?",
                "uk",
            ),
            (
                "Non sono d'accordo con quello che scrive il giornalista.",
                "it",
            ),
        ] {
            assert_eq!(languages.detect(text).unwrap().0, code, "{text}");
        }
    }

    #[test]
    fn a_pick_that_the_site_does_not_expect_leaves_the_choice_to_the_others() {
        let languages = languages(&["en", "de"]);
        let (code, _) = languages
            .detect("Je ne suis pas du tout d'accord.")
            .unwrap();
        assert!(["en", "de"].contains(&code), "{code}");
    }

    #[test]
    fn what_is_judged_between_is_never_too_little() {
        let pickable = [Lang::Fra, Lang::Eng, Lang::Deu, Lang::Spa, Lang::Ita];
        let all = [
            Lang::Fra,
            Lang::Eng,
            Lang::Ron,
            Lang::Deu,
            Lang::Spa,
            Lang::Ita,
        ];
        let expected = [Lang::Spa, Lang::Ron, Lang::Fra, Lang::Eng];
        assert_eq!(candidates(Lang::Spa, &all, &pickable), expected);
        assert_eq!(candidates(Lang::Fra, &[Lang::Fra], &pickable), [Lang::Fra]);
    }

    #[test]
    fn an_unknown_code_is_named() {
        let error = Languages::new(&["fr".to_owned(), "xx".to_owned()]).unwrap_err();
        assert!(error.contains("`xx`"), "{error}");
    }

    #[test]
    fn every_language_of_the_detector_has_a_code() {
        for language in Lang::all() {
            assert!(
                LANGUAGES.iter().any(|(_, known)| known == language),
                "{language:?}"
            );
        }
    }
}
