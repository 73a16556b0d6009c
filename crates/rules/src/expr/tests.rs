//! What the language means: expressions with their values, faults and errors.

use proptest::prelude::*;

use super::eval::{Evaluation, Fault};
use super::macros::Macros;
use super::node::Condition;
use super::{Env, ExprError, on_large_stack};
use crate::facts::Facts;
use crate::input::{AuthorFacts, Input, Link};
use crate::text::matcher::Matcher;

fn input() -> Input<'static> {
    Input {
        site: "courrier",
        article: "a-1",
        comment: "c-1",
        text: "Bonjour à TOUS, voir https://example.org/a et https://example.org/b",
        html: true,
        links: &[Link {
            url: "https://bit.ly/x",
            text: None,
        }],
        language: Some("fr"),
        language_confidence: 0.5,
        author: AuthorFacts {
            id: "u-1",
            display_name: Some("Zoé"),
            approved: 7,
            rejected: 2,
            joined_at: Some(0),
            first_seen: Some(3_600_000_000),
            ..AuthorFacts::default()
        },
        parent: None,
        depth: 3,
        depth_known: false,
        revision: 2,
        article_published_at: None,
        submitted_at: 0,
        // Friday 1970-01-02T02:03:04Z
        now: 93_784_000_000,
        ..Input::neutral("", 0)
    }
}

fn compile(source: &str) -> Result<Condition, ExprError> {
    super::compile(source, &Env::new(&[], &[], &Macros::default()))
}

fn evaluate(source: &str) -> Result<bool, Fault> {
    let input = input();
    let matcher = Matcher::default();
    let facts = Facts::new(&input, &matcher);
    let condition = compile(source).unwrap_or_else(|error| panic!("{source}: {error:?}"));
    Evaluation::new(&facts, &[]).holds(&condition.root)
}

#[test]
fn expressions_have_the_values_of_the_language() {
    let check =
        |source: &str, expected: bool| assert_eq!(evaluate(source), Ok(expected), "{source}");
    check("true", true);
    check("!true || false", false);
    check("1 + 2 * 3 == 7 && 7 % 4 == 3 && -7 / 2 == -3", true);
    check("1.5 + 1.5 == 3.0", true);
    check(
        "2 < 2.5 && 3.0 == 3 && 9007199254740993 > 9007199254740992.0",
        true,
    );
    check("-2 < -1.5 && -1.5 > -2 && !(-2 > -1.5)", true);
    check("\"a\" + \"b\" == 'ab'", true);
    check("\"b\" > \"a\"", true);
    check(
        "comment.length == 67 && size(comment.text) == 67 && comment.text.size() == 67",
        true,
    );
    check(
        "comment.words > 5 && comment.capitals > 0.05 && comment.capitals < 0.2",
        true,
    );
    check(
        "comment.links_count == 3 && comment.links.size() == 3",
        true,
    );
    check("comment.links[0] == 'https://bit.ly/x'", true);
    check("'example.org' in comment.link_domains", true);
    check("comment.link_domains.exists(d, d.endsWith('.ly'))", true);
    check("comment.link_domains.all(d, d.contains('.'))", true);
    check("comment.link_domains.exists_one(d, d == 'bit.ly')", true);
    check(
        "comment.link_domains.exists_one(d, d == 'example.org')",
        false,
    );
    check("[1, 2, 3].exists(x, [4, 5].exists(y, x + y == 8))", true);
    check("site.id in ['a', 'courrier'] && !(site.id in [])", true);
    check(
        "comment.text.matches('(?i)tous') && !comment.text.matches('tous')",
        true,
    );
    check(
        "comment.text.contains('à') && comment.text.startsWith('Bon')",
        true,
    );
    check("comment.text.lower().contains('à tous')", true);
    check(
        "comment.language == 'fr' && comment.language_confidence == 0.5",
        true,
    );
    check(
        "author.name == 'Zoé' && author.role == 'reader' && !author.trusted && !author.new",
        true,
    );
    check("author.approved + author.rejected == 9", true);
    check(
        "author.age > duration('24h') && author.age < duration('1d3h')",
        true,
    );
    check("author.age.getHours() == 26", true);
    check(
        "now.getHours() == 2 && now.getMinutes() == 3 && now.getSeconds() == 4",
        true,
    );
    check("now.getDayOfWeek() == 5", true);
    check("now - comment.submitted_at == author.age", true);
    check(
        "now + duration('1m') > timestamp('1970-01-02T02:04:03Z')",
        true,
    );
    check(
        "comment.html && comment.revision == 2 && !comment.is_reply",
        true,
    );
    check(
        "has(article.age) || has(comment.depth) || has(comment.parent)",
        false,
    );
    check("comment.is_reply ? comment.depth > 3 : true", true);
    check(
        "int(2.9) == 2 && double(2) == 2.0 && string(12) + 'x' == '12x' && string(true) == 'true'",
        true,
    );
    check("double(0) / 0.0 != 1.0", true);
}

#[test]
fn an_error_counts_only_where_nothing_else_decides() {
    let check = |source: &str, expected| assert_eq!(evaluate(source), expected, "{source}");
    check("comment.depth > 1", Err(Fault::Missing("comment.depth")));
    check("article.age > duration('1h') && false", Ok(false));
    check("false && article.age > duration('1h')", Ok(false));
    check("article.age > duration('1h') || true", Ok(true));
    check(
        "has(article.age) && article.age > duration('1h')",
        Ok(false),
    );
    check("1 / (author.held) > 0", Err(Fault::DivisionByZero));
    check(
        "author.approved % author.held == 0",
        Err(Fault::DivisionByZero),
    );
    check(
        "9223372036854775807 + author.approved > 0",
        Err(Fault::Overflow),
    );
    check("int(1e300) > 0", Err(Fault::Overflow));
    check("comment.links[9] == ''", Err(Fault::Index));
    check("comment.links[-1] == ''", Err(Fault::Index));
    check("[1, 0].exists(x, 1 / x == 1)", Ok(true));
    check("[0, 2].exists(x, 1 / x == 1)", Err(Fault::DivisionByZero));
}

#[test]
fn an_evaluation_ends_within_its_budget() {
    let list: Vec<String> = (0..60).map(|n| n.to_string()).collect();
    let list = format!("[{}]", list.join(","));
    let source = format!("{list}.all(a, {list}.all(b, {list}.all(c, a + b + c >= 0)))");
    assert_eq!(evaluate(&source), Err(Fault::Budget));
}

#[test]
fn the_deepest_condition_is_evaluated_on_an_ordinary_stack() {
    let check = |source: String| {
        let condition = on_large_stack(|| compile(&source)).unwrap().unwrap();
        let input = input();
        let matcher = Matcher::default();
        let answer = std::thread::Builder::new()
            .stack_size(1024 * 1024)
            .spawn(move || {
                let facts = Facts::new(&input, &matcher);
                Evaluation::new(&facts, &[]).holds(&condition.root)
            })
            .unwrap()
            .join()
            .unwrap();
        assert_eq!(answer, Ok(true), "{source}");
    };
    check(format!("comment.text{}.size() > 0", ".trim()".repeat(96)));
    check(format!("{}1 > 0", "1 + ".repeat(97)));
    check(format!(
        "comment.links{}.size() > 0",
        ".map(x, x)".repeat(24)
    ));
    let mut nested = "true".to_owned();
    for level in 0..12 {
        nested = format!("[1].map(v{level}, {nested} ? v{level} : 2)[0] == 1");
    }
    check(nested);
}

#[test]
fn what_is_too_large_is_refused_before_it_is_parsed() {
    let check = |source: String, expected: &str| {
        let error = on_large_stack(|| compile(&source).err()).flatten();
        let message = error.map(|error| error.message).unwrap_or_default();
        assert_eq!(
            message,
            expected,
            "{}",
            source.chars().take(60).collect::<String>()
        );
    };
    let sum = |terms: usize| format!("{} == 0", vec!["1"; terms].join("+"));
    check(sum(10_000), "the expression is longer than 8192 bytes");
    check(sum(2_000), "more than 2000 words and signs");
    check(sum(900), "more than 100 operations inside each other");
    check(sum(90), "");
    check(
        format!("{}true{}", "(".repeat(1_000), ")".repeat(1_000)),
        "more than 32 levels inside each other",
    );
    check(
        format!("{}true", "!".repeat(1_000)),
        "more than 32 levels inside each other",
    );
    check(
        format!("{}true", "! ".repeat(1_000)),
        "more than 32 levels inside each other",
    );
    check(
        format!("{}1 > 0", "-".repeat(1_000)),
        "more than 32 levels inside each other",
    );
    check(
        format!("{}true", "true ? true : ".repeat(100)),
        "more than 32 levels inside each other",
    );
    check(format!("{} true", "true || ".repeat(500)), "");
    check(format!("{} true", "true && false || ".repeat(300)), "");
    check(
        format!("{}1{} == []", "[".repeat(500), "]".repeat(500)),
        "more than 32 levels inside each other",
    );
    check(
        format!("{} == 1", vec!["a"; 400].join(".")),
        "more than 100 operations inside each other",
    );
    check(
        format!("x{} == 1", "[0]".repeat(400)),
        "more than 100 operations inside each other",
    );
    check(
        format!("site.id in [{}]", vec!["'a-site'"; 700].join(",")),
        "",
    );
    check("(".to_owned(), "the expression ends too early");
    check("'".to_owned(), "`'` is not expected here");
    check(" ".to_owned(), "the expression is empty");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn no_text_stops_the_compiler(source in "\\PC{0,60}|[a-z.()\\[\\]!&|<>=?:'\"0-9 +*-]{0,60}|(comment\\.(text|length|links)|[ ()!&|=<>+.,'0-9x]|hits|exists){0,16}|(comment\\.(text|links|length)|now|author\\.age|\\.(map|filter|all)\\(x, |\\.(split|substring|replace|charAt|join|indexOf|lastIndexOf|in_list|getHours|size)\\(|math\\.(greatest|least|abs)\\(|(int|string|double|bool|timestamp|duration)\\(|'(a|Europe/Paris|)'|[x0-9)\\]\\[,?:]| [+=<>&|-]{1,2} ){0,14}") {
        let done = on_large_stack(|| {
            if let Ok(condition) = compile(&source) {
                let input = input();
                let matcher = Matcher::default();
                let facts = Facts::new(&input, &matcher);
                let answer = Evaluation::new(&facts, &[]).holds(&condition.root);
                assert_ne!(answer, Err(Fault::Type), "the checker let it pass: {source}");
                let macros = Macros::default();
                let traced = super::compile_to_trace(&source, &Env::new(&[], &[], &macros));
                let (root, _) = traced.unwrap_or_else(|error| panic!("{source}: {error:?}"));
                assert_eq!(Evaluation::new(&facts, &[]).holds(&root), answer, "{source}");
            }
        });
        prop_assert!(done.is_some(), "the compiler panicked");
    }
}
