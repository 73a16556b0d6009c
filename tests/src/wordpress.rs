//! A WordPress of its own, with a database of its own, that has the plugin of examples/wordpress.
//!
//! It is Debian's, as are PHP and `MariaDB`: scripts/test installs them.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

use crate::{Browser, Process, eventually, ports};

/// Where Debian has it.
const WORDPRESS: &str = "/usr/share/wordpress";

/// A WordPress that answers at an address.
#[derive(Debug)]
pub struct WordPress {
    /// Where its site is.
    pub url: String,
    folder: TempDir,
    // In this order: the pages go before the database.
    _web: Process,
    _database: Process,
}

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn ran(command: &mut Command) -> String {
    let output = command
        .output()
        .unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(output.status.success(), "{command:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

impl WordPress {
    /// Installs one; `settings` are names and values of `wp-config.php`.
    pub fn new(settings: &[(&str, &str)]) -> Self {
        let folder = TempDir::new().unwrap();
        let at = |name: &str| folder.path().join(name);
        ran(Command::new("cp").args(["-R", WORDPRESS]).arg(at("site")));
        let plugins = at("site/wp-content/mu-plugins");
        std::fs::create_dir_all(&plugins).unwrap();
        for file in ["examples/wordpress/stoa.php", "tests/wordpress/quiet.php"] {
            let from = repository().join(file);
            std::fs::copy(&from, plugins.join(from.file_name().unwrap())).unwrap();
        }

        ran(Command::new("mariadb-install-db")
            .args([
                "--no-defaults",
                "--auth-root-authentication-method=normal",
                "--skip-test-db",
            ])
            .arg(format!("--datadir={}", at("database").display()))
            .args(as_root()));
        let socket = at("socket");
        let database = Process::start(
            "mariadb",
            &at("mariadb.log"),
            Command::new("mariadbd")
                .args([
                    "--no-defaults",
                    "--skip-networking",
                    "--innodb-buffer-pool-size=32M",
                ])
                .arg(format!("--datadir={}", at("database").display()))
                .arg(format!("--socket={}", socket.display()))
                .args(as_root()),
        );
        eventually("MariaDB", || {
            let made = Command::new("mariadb")
                .args([
                    "--no-defaults",
                    "-e",
                    "CREATE DATABASE IF NOT EXISTS wordpress",
                ])
                .arg(format!("--socket={}", socket.display()))
                .args(as_root())
                .output();
            made.unwrap().status.success()
        });

        // Beside those of the roles.
        let port = ports() + 10;
        let url = format!("http://127.0.0.1:{port}");
        std::fs::write(at("site/wp-config.php"), config(&url, &socket, settings)).unwrap();
        let web = Process::start(
            "wordpress",
            &at("wordpress.log"),
            // Without a second process a page can't ask another one.
            Command::new("php")
                .env("PHP_CLI_SERVER_WORKERS", "2")
                .args(["-S", &format!("127.0.0.1:{port}"), "-t"])
                .arg(at("site")),
        );
        let wordpress = Self {
            url,
            folder,
            _web: web,
            _database: database,
        };
        wordpress.php("install");
        eventually("WordPress", || wordpress.rest("/wp/v2/posts").is_array());
        wordpress
    }

    fn site(&self) -> PathBuf {
        self.folder.path().join("site")
    }

    fn php(&self, code: &str) -> String {
        let script = repository().join("tests/wordpress/run.php");
        // Its own libraries are older than this PHP.
        let quiet = [
            "-d",
            "error_reporting=E_ALL & ~E_DEPRECATED",
            "-d",
            "display_errors=stderr",
        ];
        ran(Command::new("php")
            .args(quiet)
            .arg(script)
            .arg(self.site())
            .arg(code))
    }

    /// Runs a statement in it; what it returns.
    pub fn run(&self, code: &str) -> Value {
        let answer = self.php(code);
        serde_json::from_str(&answer).unwrap_or_else(|error| panic!("{code}: {error}: {answer}"))
    }

    /// Has the worker of examples/wordpress send and take what there is; returns what it said, and whether all went well.
    pub fn work(&self) -> (bool, String) {
        let output = Command::new("php")
            .args(["-d", "error_log=/dev/stderr"])
            .arg(repository().join("examples/wordpress/worker.php"))
            .arg(self.site())
            .arg("once")
            .output()
            .unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        (output.status.success(), said)
    }

    /// Asks its API as anyone may.
    pub fn rest(&self, path: &str) -> Value {
        let url = format!("{}/index.php?rest_route={path}", self.url);
        let answer = reqwest::blocking::get(url).and_then(reqwest::blocking::Response::json);
        answer.unwrap_or_default()
    }

    /// Writes a comment as a reader does; returns its id.
    pub fn comment(&self, article: u64, author: &str, text: &str, parent: u64) -> u64 {
        let fields = [
            ("comment_post_ID", article.to_string()),
            ("comment_parent", parent.to_string()),
            ("author", author.to_owned()),
            ("email", format!("{author}@readers.example")),
            ("comment", text.to_owned()),
        ];
        let fields = fields
            .each_ref()
            .map(|(name, value)| (*name, value.as_str()));
        let mut reader = Browser::new(self.url.clone());
        let (status, to) = reader.post("/wp-comments-post.php", &fields);
        assert_eq!((status, to.is_empty()), (302, false), "{}", reader.page);
        self.run("return (int) get_comments( array( 'number' => 1, 'orderby' => 'comment_ID', 'status' => 'any', 'fields' => 'ids' ) )[0];")
            .as_u64()
            .unwrap()
    }

    /// What readers see of an article's comments, oldest first.
    pub fn shown(&self, article: u64) -> Vec<String> {
        let path = format!("/wp/v2/comments&post={article}&order=asc&orderby=id");
        let comments = self.rest(&path);
        let text = |comment: &Value| {
            let html = comment["content"]["rendered"].as_str().unwrap();
            html.replace("<p>", "")
                .replace("</p>", "")
                .trim()
                .to_owned()
        };
        comments.as_array().unwrap().iter().map(text).collect()
    }

    /// What WordPress calls the state of a comment.
    pub fn status(&self, comment: u64) -> String {
        let status = self.run(&format!("return wp_get_comment_status( {comment} );"));
        status.as_str().unwrap_or_default().to_owned()
    }
}

/// `MariaDB` refuses to be root without being told so.
fn as_root() -> [&'static str; 1] {
    ["--user=root"]
}

fn config(url: &str, socket: &Path, settings: &[(&str, &str)]) -> String {
    let own = [
        ("DB_NAME", "wordpress"),
        ("DB_USER", "root"),
        ("DB_PASSWORD", ""),
        ("DB_HOST", &format!("localhost:{}", socket.display())),
        ("DB_CHARSET", "utf8mb4"),
        ("DB_COLLATE", ""),
        ("WP_SITEURL", url),
        ("WP_HOME", url),
        ("SECURE_AUTH_KEY", "a key of the tests"),
        ("SECURE_AUTH_SALT", "a salt of the tests"),
    ];
    let defined: Vec<String> = own
        .iter()
        .chain(settings)
        .map(|(name, value)| format!("define( '{name}', '{value}' );\n"))
        .collect();
    format!(
        "<?php\n{}define( 'DISABLE_WP_CRON', true );\n$table_prefix = 'wp_';\n\
         defined( 'ABSPATH' ) || define( 'ABSPATH', __DIR__ . '/' );\nrequire_once ABSPATH . 'wp-settings.php';\n",
        defined.concat()
    )
}
