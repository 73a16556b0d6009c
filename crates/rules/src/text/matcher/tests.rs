//! What is found, where, and by what.

use std::collections::BTreeMap;

use super::*;
use crate::RuleSet;

fn set(lists: &str) -> RuleSet {
    let yaml = format!("lists:\n{lists}\nrules: []\n");
    let files = BTreeMap::from([("stoa.yaml".to_owned(), yaml.into_bytes())]);
    RuleSet::from_sources(&files).unwrap_or_else(|errors| panic!("{errors}"))
}

/// What a text hits: the characters that were written, and what it took.
fn found(set: &RuleSet, text: &str) -> Vec<(String, String)> {
    let hits = set.matcher.scan(text);
    assert!(!hits.is_cut);
    hits.found
        .iter()
        .map(|hit| {
            let written = text.get(hit.start as usize..hit.end as usize).unwrap();
            (written.to_owned(), hit.via.to_string())
        })
        .collect()
}

fn check(set: &RuleSet, text: &str, expected: &[(&str, &str)]) {
    let found = found(set, text);
    let found: Vec<(&str, &str)> = found
        .iter()
        .map(|(text, via)| (text.as_str(), via.as_str()))
        .collect();
    assert_eq!(
        found,
        expected,
        "{text:?} read as {:?}",
        String::from_utf8_lossy(&Skeleton::of(text).coarse)
    );
}

fn full(terms: &str) -> RuleSet {
    set(&format!("  l: {{ terms: [{terms}], fold: full }}"))
}

#[test]
fn plain_words_need_no_transformation() {
    let set = full("connard, fils de pute, œuf, scheiße, сука, 白痴, discord");
    check(&set, "Quel CONNARD !", &[("CONNARD", "")]);
    check(
        &set,
        "l'connard d’connard",
        &[("connard", ""), ("connard", "")],
    );
    check(
        &set,
        "connard·e·s, connard(e)",
        &[("connard", ""), ("connard", "")],
    );
    check(&set, "espèce de fils  de\npute.", &[("fils  de\npute", "")]);
    check(&set, "un oeuf et des ŒUFS", &[("oeuf", "")]);
    check(&set, "Scheisse", &[("Scheisse", "")]);
    check(&set, "ну и СУКА же", &[("СУКА", "")]);
    check(&set, "他是白痴吗", &[("白痴", "")]);
    check(&set, "sous-connard", &[("connard", "")]);
    check(&set, "connarde", &[]);
    check(&set, "", &[]);
}

#[test]
fn what_hides_a_word_is_undone_and_named() {
    let set = full("connard, merde, salope, fuck, discord, con, asshole, bill");
    check(&set, "c0nn4rd", &[("c0nn4rd", "leet")]);
    check(&set, "fais pas le c0nnard", &[("c0nnard", "leet")]);
    check(&set, "m3rd€", &[("m3rd€", "leet")]);
    check(&set, "$alope", &[("$alope", "leet")]);
    check(&set, "@sshole", &[("@sshole", "leet")]);
    check(&set, "b1ll", &[("b1ll", "leet")]);
    check(&set, "bi11", &[("bi11", "leet")]);
    check(&set, "m*rde", &[("m*rde", "mask")]);
    check(&set, "f**k off", &[("f**k", "mask")]);
    check(&set, "merd*", &[("merd*", "mask")]);
    check(&set, "m-rde", &[("m-rde", "mask")]);
    check(&set, "c o n n a r d", &[("c o n n a r d", "spacing")]);
    check(
        &set,
        "t'es un c.o.n.n.a.r.d toi",
        &[("c.o.n.n.a.r.d", "spacing")],
    );
    check(&set, "c-o-n", &[("c-o-n", "spacing")]);
    check(&set, "con_nard", &[("con", ""), ("con_nard", "spacing")]);
    check(&set, "connnnard", &[("connnnard", "repeats")]);
    check(&set, "merdeeee", &[("merdeeee", "repeats")]);
    check(&set, "MMMERDE", &[("MMMERDE", "repeats")]);
    check(&set, "cоnnаrd", &[("cоnnаrd", "confusables")]);
    check(
        &set,
        "ｃｏｎｎａｒｄ",
        &[("ｃｏｎｎａｒｄ", "compatibility")],
    );
    check(&set, "𝓬𝓸𝓷𝓷𝓪𝓻𝓭", &[("𝓬𝓸𝓷𝓷𝓪𝓻𝓭", "compatibility")]);
    check(&set, "con\u{200b}nard", &[("con\u{200b}nard", "invisible")]);
    check(&set, "con\u{ad}nard", &[("con\u{ad}nard", "invisible")]);
    check(
        &set,
        "c\u{301}\u{302}\u{303}onnard",
        &[("c\u{301}\u{302}\u{303}onnard", "marks")],
    );
    check(&set, "dis</n>cord", &[("dis</n>cord", "html")]);
    check(
        &set,
        "dis<span class=\"x\">cord</span>",
        &[("dis<span class=\"x\">cord", "html")],
    );
    check(&set, "m&#101;rde", &[("m&#101;rde", "html")]);
    check(&set, "m&eacute;rde", &[("m&eacute;rde", "html")]);
    check(&set, "c 0 n n 4 r d", &[("c 0 n n 4 r d", "leet+spacing")]);
    check(&set, "c.0.n.n.@.r.d", &[("c.0.n.n.@.r.d", "leet+spacing")]);
    check(&set, "<connard>", &[("connard", "")]);
}

#[test]
fn innocent_texts_are_left_alone() {
    let set = full(
        "con, cul, ass, sm, ma, anal, pd, sexe, tg, sot, cop, nul, pute, bite, shit, salope, cunt, idiot, hui",
    );
    for text in [
        "le véhicule recule",
        "C O N C O U R S   D E   B E A U T É",
        "l'assassin passe la classe",
        "5m de tissu, 5 m, 4.5M",
        "aujourd'hui",
        "Scunthorpe et Essex",
        "il y a un an à la fin",
        "l'analyse du canal",
        "455 et 8008",
        "Сор из избы не выносят",
        "e-mail, co-fondateur, week-end",
        "dispute, réputé, député",
        "P.D. James",
        "3,5 km à pied",
        "fini.Puis on part",
        "https://www.example.com/content/asset",
        "l'habite, elle habite",
    ] {
        check(&set, text, &[]);
    }
}

#[test]
fn terms_say_where_in_a_word_and_whether_accents_matter() {
    let set = set(
        "  l: { terms: ['scheiß [prefix]', 'arsch [suffix]', 'fick [substring]', 'péché [accents]', 'Nazi [none]', 'dreck [case]'], fold: full }",
    );
    check(
        &set,
        "Scheißkerl, scheisskram",
        &[("Scheiß", ""), ("scheiss", "")],
    );
    check(&set, "Vollarsch", &[("arsch", "")]);
    check(&set, "arschloch", &[]);
    check(&set, "gefickt", &[("fick", "")]);
    check(
        &set,
        "un péché, la pêche, PÉCHÉ, pe\u{301}che\u{301}",
        &[("péché", ""), ("PÉCHÉ", ""), ("pe\u{301}che\u{301}", "")],
    );
    check(&set, "Nazi nazi", &[("Nazi", "")]);
    check(&set, "Dreck dr3ck", &[("Dreck", "")]);
    check(&set, "sch3ißkerl", &[("sch3iß", "leet")]);
}

#[test]
fn exceptions_protect_what_they_cover() {
    let set = set(
        "  l: { terms: [cul, cunt, ass, sm], fold: full, match: substring, except: [véhicule, Scunthorpe, 'assassin [prefix]', 5m] }",
    );
    check(&set, "Le VÉHICULE de Scunthorpe et les assassins à 5m", &[]);
    check(&set, "cul de véhicule", &[("cul", "")]);
    check(&set, "calcul", &[("cul", "")]);
}

#[test]
fn terms_without_letters_are_found_as_written() {
    let set = set("  l: { terms: ['$$', 🖕, '1488', c++], fold: full, match: substring }");
    check(
        &set,
        "du $$ 🖕 1488",
        &[("$$", ""), ("🖕", ""), ("1488", "")],
    );
}

#[test]
fn case_folding_takes_no_transformation() {
    let set = set("  l: { terms: [connard, sous-merde, fils de pute], fold: case }");
    check(
        &set,
        "CONNARD, Sous‑Merde, fils  de pute",
        &[("CONNARD", ""), ("Sous‑Merde", ""), ("fils  de pute", "")],
    );
    for text in [
        "c0nnard",
        "connnard",
        "con\u{200b}nard",
        "c o n n a r d",
        "sous merde",
        "sousmerde",
        "conard",
    ] {
        check(&set, text, &[]);
    }
}

#[test]
fn a_phrase_may_be_run_together_or_apart() {
    let set = full("fils de pute, sous-merde, buy now");
    check(&set, "filsdepute", &[("filsdepute", "spacing")]);
    check(&set, "fils-de-pute", &[("fils-de-pute", "spacing")]);
    check(&set, "sous merde", &[("sous merde", "spacing")]);
    check(&set, "sousmerde", &[("sousmerde", "spacing")]);
    check(&set, "sous-merde", &[("sous-merde", "")]);
    check(&set, "B U Y  N O W", &[("B U Y  N O W", "spacing")]);
}
