//! One's own second step of signing in.

use askama::Template;
use axum::extract::{Extension, State};
use axum::http::StatusCode;
use axum::response::Response;
use qrcode::{Color, QrCode};

use super::Desk;
use super::page::{Fault, Shell, render, see, told};
use super::visit::Visit;
use crate::accounts::{Offer, Refused};

pub(super) const PATH: &str = "/account/second-step";
/// Modules around a QR code that stay light (ISO/IEC 18004).
const QUIET: usize = 4;

#[derive(Template)]
#[template(path = "second-step.html")]
struct SecondStep {
    shell: Shell,
    told: Option<String>,
    /// What an authenticator is set up with, where there is no second step yet.
    offer: Option<Offer>,
    picture: Option<Picture>,
    /// How many codes are left that stand in for it.
    spare: usize,
    /// Those codes, right after it was set up.
    codes: Vec<String>,
    is_required: bool,
}

/// A QR code, as a path over squares.
struct Picture {
    size: usize,
    path: String,
}

impl Picture {
    fn new(text: &str) -> anyhow::Result<Self> {
        let code = QrCode::new(text)?;
        let width = code.width();
        let colors = code.to_colors();
        let mut path = String::new();
        for (y, row) in colors.chunks(width).enumerate() {
            for (x, color) in row.iter().enumerate() {
                if *color == Color::Dark {
                    path.push_str(&format!("M{} {}h1v1h-1z", x + QUIET, y + QUIET));
                }
            }
        }
        let size = width + 2 * QUIET;
        Ok(Self { size, path })
    }
}

fn answer(
    desk: &Desk,
    visit: &Visit,
    status: StatusCode,
    told: Option<String>,
    codes: Vec<String>,
) -> Result<Response, Fault> {
    let user = visit.user()?;
    if visit.is_linked {
        return Err(Fault::NotFound);
    }
    let spare = desk.accounts.spare(&user.id);
    let offer = match spare {
        Some(_) => None,
        None => Some(desk.accounts.offer(&user.id)?),
    };
    let picture = offer.as_ref().map(|offer| Picture::new(&offer.uri));
    let page = SecondStep {
        shell: Shell::new("second-step-title", visit),
        told,
        picture: picture.transpose()?,
        offer,
        spare: spare.unwrap_or_default(),
        codes,
        is_required: desk.second_for.contains(&user.role),
    };
    Ok(render(status, &page))
}

fn refuse(desk: &Desk, visit: &Visit, refused: Refused) -> Result<Response, Fault> {
    let (status, told) = told(visit.words, refused)?;
    answer(desk, visit, status, Some(told), Vec::new())
}

/// `GET /account/second-step`
pub(super) async fn page(
    State(desk): State<Desk>,
    Extension(visit): Extension<Visit>,
) -> Result<Response, Fault> {
    answer(&desk, &visit, StatusCode::OK, None, Vec::new())
}

/// `POST /account/second-step`
pub(super) async fn confirm(
    State(desk): State<Desk>,
    Extension(visit): Extension<Visit>,
) -> Result<Response, Fault> {
    let user = &visit.user()?.id;
    let confirmed = desk
        .accounts
        .confirm(&visit.origin, user, visit.field("code"))
        .await;
    match confirmed {
        Ok(codes) => answer(&desk, &visit, StatusCode::OK, None, codes),
        Err(refused) => refuse(&desk, &visit, refused),
    }
}

/// `POST /account/second-step/off`
pub(super) async fn turn_off(
    State(desk): State<Desk>,
    Extension(visit): Extension<Visit>,
) -> Result<Response, Fault> {
    let user = &visit.user()?.id;
    let off = desk
        .accounts
        .turn_off(&visit.origin, user, visit.field("code"))
        .await;
    match off {
        Ok(()) => Ok(see(PATH)),
        Err(refused) => refuse(&desk, &visit, refused),
    }
}
