//! What is found in the samples: parents, states, dates, names and words.

use super::*;

#[track_caller]
fn check(format: Format, bytes: &[u8], expected: &[&str]) -> Made {
    let made = import(format, bytes);
    assert_eq!(made.lines(), expected);
    assert_eq!(made.error(), "");
    let again = import(format, bytes);
    let bodies = |made: &Made| -> Vec<_> { made.jobs.iter().map(|job| job.body.clone()).collect() };
    assert_eq!(bodies(&made), bodies(&again), "a second import is a repeat");
    for body in bodies(&made).into_iter().flatten() {
        let text = String::from_utf8(body.to_vec()).unwrap();
        for never in ["mail.example", "192.0.2.", "<script>", "stdClass"] {
            assert!(!text.contains(never), "{text}");
        }
    }
    made
}

fn orphans(made: &Made) -> Vec<String> {
    let orphans = made.ended.orphans.iter();
    orphans
        .map(|orphan| format!("{} <{}", orphan.id, orphan.parent))
        .collect()
}

const DISQUS: [&str; 10] = [
    r#"vallee.example/2014/pont "Le pont & la rivière""#,
    r#"visible disqus-1 <- 2014-09-12T10:00:00Z vallee.example/2014/pont [Ada] html "<p>Enfin&nbsp;un pont ! <a href=\"https://vallee.example/plan\" rel=\"nofollow noopener\">le plan</a></p>""#,
    r#"visible disqus-2 <disqus-1 2014-09-12T11:00:00Z vallee.example/2014/pont [Passant] html "<p>Et il tient ?</p>""#,
    r#"spam disqus-3 <- 2014-09-12T12:00:00Z vallee.example/2014/pont [Vendeur] html "acheter vite""#,
    r#"deleted disqus-4 <- 2014-09-12T13:00:00Z vallee.example/2014/pont [Ada] html """#,
    r#"visible disqus-5 <disqus-4 2014-09-12T14:00:00Z vallee.example/2014/pont [Passant] html "<p>Je réponds à ce qui n'est plus là.</p>""#,
    r#"disqus-102 """#,
    r#"visible disqus-6 <disqus-999 2014-09-12T15:00:00Z disqus-102 [Passant] html "<p>Orphelin.</p>""#,
    r#"vallee.example/2014/retire "Retiré""#,
    r#"deleted disqus-7 <- 2014-10-02T15:00:00Z vallee.example/2014/retire [Ada] html "<p>Sous un article retiré.</p>""#,
];

#[test]
fn disqus() {
    let made = check(Format::Disqus, &sample("disqus.xml"), &DISQUS);
    assert_eq!(orphans(&made), ["disqus-6 <disqus-999"]);
    let packed = check(Format::Disqus, &gzip(&sample("disqus.xml")), &DISQUS);
    assert_eq!(orphans(&packed), ["disqus-6 <disqus-999"]);
    let author = |n: usize| -> Value {
        let event: Value = serde_json::from_slice(made.jobs[n].body.as_ref().unwrap()).unwrap();
        event["data"]["author"]["id"].clone()
    };
    assert_eq!(author(1), "disqus-ada_l");
    assert!(author(2).as_str().unwrap().starts_with("disqus-guest-"));
    assert_eq!(author(2), author(5), "a guest is known by the name");
    let article: Value = serde_json::from_slice(made.jobs[0].body.as_ref().unwrap()).unwrap();
    assert_eq!(article["data"]["comments"]["open"], false);
    assert_eq!(article["data"]["url"], "https://Vallee.example/2014/pont/");
}

#[test]
fn an_answer_may_come_before_what_it_answers() {
    let text = String::from_utf8(sample("disqus.xml")).unwrap();
    let posts = text.find("  <post").unwrap();
    let (head, posts) = text.split_at(posts);
    let mut posts: Vec<&str> = posts.split_inclusive("</post>\n").collect();
    let end = posts.pop().unwrap();
    posts.reverse();
    let turned = format!("{head}{}{end}", posts.concat());
    let made = import(Format::Disqus, turned.as_bytes());
    assert_eq!(made.jobs.len(), DISQUS.len());
    assert_eq!(orphans(&made), ["disqus-6 <disqus-999"]);
}

#[test]
fn of_more_answers_than_can_wait_it_is_counted_that_nobody_knows() {
    let export = |posts: String| {
        let thread = "<thread dsq:id='1'><link>https://a.example/1</link></thread>";
        let text = format!("<disqus xmlns:dsq='d'>{thread}{posts}</disqus>");
        import(Format::Disqus, text.as_bytes()).ended
    };
    let post = |id: u32, parent: &str| {
        format!("<post dsq:id='{id}'><message>x</message><thread dsq:id='1'/>{parent}</post>")
    };
    let answer = |id: u32, to: u32| post(id, &format!("<parent dsq:id='{to}'/>"));
    let ended = export((0..20).map(|n| answer(n, n + 1_000)).collect());
    assert_eq!((ended.orphans.len(), ended.unchecked), (16, 4));
    // Those whose comment has come make room.
    let turned = |n: u32| answer(2 * n, 2 * n + 1) + &post(2 * n + 1, "");
    let ended = export((0..100).map(turned).collect());
    assert_eq!((ended.orphans.len(), ended.unchecked), (0, 0));
}

#[test]
fn wordpress() {
    let made = check(
        Format::Wordpress,
        &sample("wordpress.xml"),
        &[
            r#"vallee.example?p=12 "Le marché""#,
            r#"visible wordpress-20 <wordpress-22 2019-03-02T09:00:00Z vallee.example?p=12 [Ben] html "Une ligne,<br>\net une autre.""#,
            "line 42 -: pingback ",
            r#"visible wordpress-22 <- - vallee.example?p=12 [Chloé] html "Sans date.""#,
            r#"pending wordpress-23 <- 2019-03-03T09:00:00Z vallee.example?p=12 [Chloé] html "En attente.""#,
            r#"deleted wordpress-24 <- 2019-03-04T09:00:00Z vallee.example?p=12 [Chloé] html "À la corbeille.""#,
            "line 81 -: article that is not public ",
            r#"pending wordpress-25 <- 2019-04-04T09:00:00Z vallee.example?p=13 [Ben] html "Jamais public.""#,
        ],
    );
    assert!(orphans(&made).is_empty());
    let undated: Vec<bool> = made.jobs.iter().map(|job| job.entry.undated).collect();
    assert_eq!(undated.iter().filter(|undated| **undated).count(), 1);
    let article: Value = serde_json::from_slice(made.jobs[0].body.as_ref().unwrap()).unwrap();
    assert_eq!(article["data"]["body"], "<p>Le marché ouvre samedi.</p>");
    assert_eq!(article["data"]["published_at"], "2019-03-01T07:00:00Z");
    // Words that only some could read are not sent at all.
    let bodies = made.jobs.iter().filter_map(|job| job.body.as_ref());
    for body in bodies {
        assert!(!String::from_utf8_lossy(body).contains("Entre nous"));
    }
    // Other prefixes, another version, and prefixes that nobody declared.
    let text = String::from_utf8(sample("wordpress.xml")).unwrap();
    for other in [
        text.replace("wp:", "w:").replace("xmlns:wp", "xmlns:w"),
        text.replace("export/1.2/", "export/1.0/"),
        text.replace("xmlns:", "data-"),
    ] {
        assert_eq!(
            import(Format::Wordpress, other.as_bytes()).lines(),
            made.lines()
        );
    }
}

#[test]
fn an_id_that_stands_for_comments_of_two_articles_is_no_one_comment() {
    let comment = |id: &str, parent: &str, text: &str| {
        format!(
            "<wp:comment><wp:comment_id>{id}</wp:comment_id><wp:comment_content>{text}\
             </wp:comment_content><wp:comment_approved>1</wp:comment_approved>\
             <wp:comment_parent>{parent}</wp:comment_parent></wp:comment>"
        )
    };
    let item = |link: &str, comments: &str| {
        format!("<item><link>https://a.example/{link}</link>{comments}</item>")
    };
    let export = |items: &str| format!("<rss><channel>{items}</channel></rss>");
    let first = item("1", &(comment("1", "0", "a") + &comment("2", "1", "b")));
    let second = item("2", &(comment("1", "0", "c") + &comment("3", "1", "d")));
    let text = export(&(first.clone() + &second + &first));
    let made = import(Format::Wordpress, text.as_bytes());
    let ids: Vec<String> = made
        .jobs
        .iter()
        .filter_map(|job| job.entry.id.clone())
        .collect();
    let other = stoa_proto::ids::derive("wordpress-1-", &["a.example/2"]);
    let expected = [
        "a.example/1",
        "wordpress-1",
        "wordpress-2",
        "a.example/2",
        &other,
        "wordpress-3",
        "wordpress-1",
        "wordpress-2",
    ];
    assert_eq!(ids, expected);
    let lines = made.lines();
    assert!(lines[2].contains("<wordpress-1 "), "{lines:?}");
    assert!(lines[5].contains(&format!("<{other} ")), "{lines:?}");
    assert!(orphans(&made).is_empty());
    // What one file says does not depend on those that are read before it.
    let (one, two) = (export(&first), export(&second));
    let files: [(&str, &[u8]); 2] = [("1.xml", one.as_bytes()), ("2.xml", two.as_bytes())];
    let both = import_as(Format::Wordpress, None, &files);
    assert!(
        both.lines()[4].starts_with("visible wordpress-1 "),
        "{:?}",
        both.lines()
    );
}

#[test]
fn remark42() {
    let made = check(
        Format::Remark42,
        &gzip(&sample("remark42.jsonl")),
        &[
            r#"vallee.example/velo "La piste""#,
            r#"visible remark42-efbc17f1 <- 2020-05-01T10:00:00+02:00 vallee.example/velo [Dora] html "<p>Une piste, <em>enfin</em>.</p>""#,
            r#"deleted remark42-f863bd79 <remark42-efbc17f1 2020-05-01T11:00:00+02:00 vallee.example/velo [Émile] html """#,
            r#"visible remark42-a0000003 <remark42-f863bd79 2020-05-01T12:00:00+02:00 vallee.example/velo [Dora] html "<p>Qu'avait-il dit ?</p>""#,
            r#"deleted remark42-a0000004 <- 2020-05-01T13:00:00+02:00 vallee.example/velo [-] html """#,
            r#"vallee.example/velo/2 """#,
            r#"visible remark42-a0000005 <remark42-nowhere 2020-05-02T13:00:00+02:00 vallee.example/velo/2 [Dora] html "<p>Ailleurs.</p>""#,
        ],
    );
    assert_eq!(orphans(&made), ["remark42-a0000005 <remark42-nowhere"]);
}

#[test]
fn isso_sqlite() {
    check(
        Format::Isso,
        &isso_database(),
        &[
            r#"/posts/lac "Le lac""#,
            r#"visible isso-1 <- 2014-05-13T16:53:20.5Z /posts/lac [Fanny] markdown "L'eau est **froide**.""#,
            r#"pending isso-2 <isso-1 2014-05-13T16:55:00Z /posts/lac [-] markdown "En attente.""#,
            r#"deleted isso-3 <- 2014-05-13T16:56:40Z /posts/lac [-] markdown """#,
            r#"visible isso-4 <isso-3 2014-05-13T16:58:20Z /posts/lac [Gus] markdown "Sous ce qui n'est plus là.""#,
            "comment 5 5: malformed `mode` is 7; 1, 2 and 4 are known",
            "comment 6 isso-6: too_large data.body`data.body` has 65537 bytes, the limit is 65536",
        ],
    );
}

#[test]
fn isso_json() {
    let made = import(Format::Isso, &sample("isso.json"));
    let lines = made.lines();
    assert_eq!(lines.len(), 5, "{lines:?}");
    assert_eq!(lines[0], r#"/posts/lac "Le lac""#);
    for (line, end) in [
        (
            1,
            r#"2005-02-24T04:03:37Z /posts/lac [Fanny] plain "L'eau est froide.""#,
        ),
        (2, r#"2005-02-25T04:03:37Z /posts/lac [-] plain "Très.""#),
        (
            4,
            r#"2005-03-24T04:03:37Z /posts/bois [Fanny] plain "Il fait sombre.""#,
        ),
    ] {
        assert!(lines[line].starts_with("visible isso-"), "{lines:?}");
        assert!(lines[line].ends_with(end), "{lines:?}");
    }
    let id = |line: usize| lines[line].split(' ').nth(1).map(str::to_owned);
    assert_ne!(id(1), id(4), "both are the first of their threads");
}

#[test]
fn commento() {
    let made = check(
        Format::Commento,
        &sample("commento.json"),
        &[
            r#"vallee.example/moulin """#,
            r#"visible commento-e706 <- 2021-03-12T11:21:56Z vallee.example/moulin [-] markdown "Le moulin *tourne*.""#,
            r#"pending commento-7d77 <commento-e706 2021-03-17T12:09:47.722181Z vallee.example/moulin [Hugo] markdown "Depuis quand ?""#,
            r#"deleted commento-ea5f <- 2021-05-11T15:43:01.852651Z vallee.example/moulin [-] html """#,
            r#"spam commento-ea60 <commento-gone 2021-05-11T16:43:01Z vallee.example/moulin [Hugo] html "<p>vite, vite</p>""#,
        ],
    );
    assert_eq!(orphans(&made), ["commento-ea60 <commento-gone"]);
}

#[test]
fn html() {
    check(
        Format::Html,
        &sample("jsonld.html"),
        &[
            r#"vallee.example/2022/gare "La gare rouvre""#,
            r#"visible html-https://vallee.example/2022/gare#c1 <- 2022-01-02T10:00:00+01:00 vallee.example/2022/gare [Inès] plain "Bravo & merci.""#,
            r#"visible html-2-c39cf02b1b56d5048f3407458cbe3b58 <html-https://vallee.example/2022/gare#c1 - vallee.example/2022/gare [Jules] plain "De rien.""#,
            r#"visible html-https://vallee.example/2022/gare#c3 <html-https://vallee.example/2022/gare#c1 2022-01-03T10:00:00Z vallee.example/2022/gare [Kim] plain "Ça y est.""#,
        ],
    );
    check(
        Format::Html,
        &sample("microdata.html"),
        &[
            r#"vallee.example/cafe "Le café du coin""#,
            r#"visible html-c-1-87d2825ece9a66c80f2f72f56fb2130e <- 2021-06-01T08:00:00Z vallee.example/cafe [Léa] html "<p>Très <em>bon</em>.</p>""#,
            r#"visible html-c-2-87d2825ece9a66c80f2f72f56fb2130e <html-c-1-87d2825ece9a66c80f2f72f56fb2130e 2021-06-01T09:00:00Z vallee.example/cafe [Max] html "Ah oui ?""#,
        ],
    );
    let (one, other) = (sample("jsonld.html"), sample("microdata.html"));
    let files: [(&str, &[u8]); 3] = [
        ("one.html", &one),
        ("none.html", b"<p>Nothing.</p>"),
        ("other.html", &other),
    ];
    let made = import_as(Format::Html, None, &files);
    assert_eq!(made.jobs.len(), 4 + 1 + 3);
    assert!(made.jobs[1].entry.at.ends_with("one.html, comment 1"));
    assert!(
        made.lines()[4].contains("none.html, page"),
        "{:?}",
        made.lines()[4]
    );
}
