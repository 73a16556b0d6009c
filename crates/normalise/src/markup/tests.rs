use proptest::prelude::*;

use super::*;

fn check(body: &str, expected: &str) {
    assert_eq!(html(body).unwrap().text, expected, "{body}");
}

#[test]
fn text_is_what_a_reader_sees() {
    check("plain", "plain");
    check("<p>one</p><p>two<br>three</p>", "one\n\ntwo\nthree");
    check("a  \n b<b>old</b>er <i>it</i>", "a bolder it");
    check(
        "<ul><li>one</li><li>two</li></ul>after",
        "one\ntwo\n\nafter",
    );
    check(
        "<table><tr><td>a</td><td>b</td></tr><tr><td>c</td></tr></table>",
        "a b\nc",
    );
    check("<pre>if x\n  then</pre>", "if x\n  then");
    check("con<b></b>nard", "connard");
    check("con<!-- x -->nard", "connard");
    check("<div>a<div>b</div></div>c", "a\nb\nc");
}

#[test]
fn entities_are_decoded_once() {
    check(
        "R&eacute;sum&eacute; &#128077; &amp;lt;b&amp;gt;",
        "Résumé 👍 &lt;b&gt;",
    );
    check("a &lt;script&gt; b", "a <script> b");
    check("1 &lt; 2 &amp;&amp; 3 > 2", "1 < 2 && 3 > 2");
    check("non&nbsp;breaking", "non\u{a0}breaking");
}

#[test]
fn what_is_no_text_is_gone() {
    check("a<script>alert(1)</script>b", "ab");
    check("a<style>p{}</style><iframe src=x>y</iframe>b", "ab");
    check("<img src=x onerror=alert(1)>", "");
    check("<svg><script>alert(1)</script></svg>", "");
    check("unclosed <b", "unclosed");
}

#[test]
fn links_keep_where_they_lead_and_what_they_show() {
    let seen = html(
        "see <a href=\"https://evil.example/?a=1&amp;b=%22\" onclick=x>https://good.example</a> \
         and <a href='/about'></a> <a>none</a> <a href=\"javascript:alert(1)\">js</a>",
    )
    .unwrap();
    assert_eq!(seen.text, "see https://good.example and none js");
    assert_eq!(
        seen.links,
        [
            Link {
                url: "https://evil.example/?a=1&b=%22".to_owned(),
                text: Some("https://good.example".to_owned())
            },
            Link {
                url: "/about".to_owned(),
                text: None
            },
        ]
    );
}

#[test]
fn markdown_is_read_as_it_is_shown() {
    let seen = markdown(
        "# Title\n\nSome *emphasis* and a [link](https://e.example/x \"t\").\n\n- one\n- two\n\n\
         <b>raw</b> `code` ~~gone~~\\\nnext\n\n![alt](i.png)",
    )
    .unwrap();
    assert_eq!(
        seen.text,
        "Title\n\nSome emphasis and a link.\n\none\ntwo\n\nraw code gone\nnext"
    );
    assert_eq!(seen.links.len(), 1);
    assert_eq!(seen.links[0].url, "https://e.example/x");
}

#[test]
fn too_many_links_are_refused_by_name() {
    let rejection = html(&"<a href=x>y</a>".repeat(limits::LINKS + 1)).unwrap_err();
    assert_eq!(rejection.code, Code::TooLarge);
    assert_eq!(rejection.field.as_deref(), Some("data.body"));
    assert_eq!(rejection.limit.as_deref(), Some("1024 links"));
    assert!(html(&"<a href=x>y</a>".repeat(limits::LINKS)).is_ok());
}

#[test]
fn deep_markup_is_refused_before_it_is_parsed() {
    for body in [
        "<div>".repeat(10_000),
        "<b>".repeat(10_000),
        "<x/>".repeat(300),
        "<div></b>".repeat(300),
        format!("<svg>{}", "<tr>".repeat(300)),
        format!("{}x", "> ".repeat(10_000)),
    ] {
        let result = if body.starts_with('>') {
            markdown(&body)
        } else {
            html(&body)
        };
        let rejection = result.unwrap_err();
        assert_eq!(rejection.code, Code::TooDeep);
        assert_eq!(rejection.field.as_deref(), Some("data.body"));
    }
    assert!(html(&"<p>x".repeat(5_000)).is_ok());
    assert!(html(&"<b>x</b>".repeat(5_000)).is_ok());
    let rejection = html(&"<br>".repeat(20_001)).unwrap_err();
    assert_eq!(rejection.code, Code::TooLarge);
    assert_eq!(rejection.limit.as_deref(), Some("20000 elements"));
}

proptest! {
    #[test]
    fn nothing_marked_up_comes_through(body in "[<>/a-zA-Z &;\"'=!\\-\n]{0,200}") {
        let seen = html(&body).unwrap();
        prop_assert!(seen.text.len() <= body.len());
    }

    #[test]
    fn any_text_is_read(body in any::<String>()) {
        html(&body).unwrap();
        markdown(&body).unwrap();
    }

    #[test]
    fn escaped_text_comes_back(text in "[a-z<>&\" ]{0,80}") {
        let escaped = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
        prop_assert_eq!(html(&escaped).unwrap().text, words);
    }
}
