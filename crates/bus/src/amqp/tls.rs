//! TLS to the broker: who is trusted, what is shown, and what to do about a refusal.

use std::io;
use std::path::Path;

use lapin::ErrorKind;
use lapin::tcp::{RustlsConnector, RustlsConnectorConfig};
use rustls::CertificateError as Bad;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use crate::config::TlsConfig;
use crate::{AmqpConfig, Error};

/// Reads the files of the configuration, if the address is one for TLS.
pub(super) fn connector(config: &AmqpConfig) -> Result<Option<RustlsConnector>, Error> {
    if !config.is_encrypted() {
        return Ok(None);
    }
    let TlsConfig {
        ca_file,
        cert_file,
        key_file,
    } = &config.tls;
    // One's own authority stands in place of the system's, not beside them.
    let trust = match ca_file {
        Some(path) => RustlsConnectorConfig::default()
            .with_parsable_certificates(certificates("bus.tls.ca_file", path)?),
        None => RustlsConnectorConfig::new_with_platform_verifier(),
    };
    let connector = match (cert_file, key_file) {
        (Some(certificate), Some(key)) => trust.connector_with_single_cert(
            certificates("bus.tls.cert_file", certificate)?,
            PrivateKeyDer::from_pem_file(key)
                .map_err(|error| unreadable("bus.tls.key_file", key, error))?,
        ),
        _ => trust.connector_with_no_client_auth(),
    };
    connector.map(Some).map_err(|error| Error::Setting {
        setting: "bus.tls",
        reason: format!(
            "can't be used: {error}; look at the certificates in its files, and whether key and \
             certificate belong together"
        ),
    })
}

fn certificates(setting: &'static str, path: &Path) -> Result<Vec<CertificateDer<'static>>, Error> {
    let read = CertificateDer::pem_file_iter(path).and_then(Iterator::collect);
    match read {
        Ok(certificates) if !Vec::is_empty(&certificates) => Ok(certificates),
        Ok(_) => Err(unreadable(setting, path, pem::Error::NoItemsFound)),
        Err(error) => Err(unreadable(setting, path, error)),
    }
}

fn unreadable(setting: &'static str, path: &Path, error: pem::Error) -> Error {
    match error {
        pem::Error::Io(source) => Error::File {
            action: "read the certificate or key in",
            path: path.to_owned(),
            source,
        },
        pem::Error::NoItemsFound => Error::Setting {
            setting,
            reason: format!("names {}, which holds none in PEM", path.display()),
        },
        error => Error::Setting {
            setting,
            reason: format!("names {}, which is not PEM: {error}", path.display()),
        },
    }
}

/// Adds what to do to the text of a failure to connect, if TLS is at fault.
pub(super) fn explain(error: &lapin::Error, text: &str, host: &str) -> Option<String> {
    let ErrorKind::IOError(error) = error.kind() else {
        return None;
    };
    let ended = "the broker ended TLS: if it asks for a certificate, give one that its authority \
                 signed in `bus.tls.cert_file`; its log says more";
    let Some(error) = error.get_ref().and_then(|inner| inner.downcast_ref()) else {
        // Its alert may be lost when it also closes the connection.
        let cut = matches!(
            error.kind(),
            io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset
        );
        return cut.then(|| format!("{text}; {ended}"));
    };
    let remedy = match error {
        rustls::Error::InvalidCertificate(bad) => match bad {
            // Their own texts count seconds, and would be another one at each attempt.
            Bad::Expired | Bad::ExpiredContext { .. } => {
                return Some(
                    "the broker's certificate has expired: give the broker a new one".to_owned(),
                );
            }
            Bad::NotValidYet | Bad::NotValidYetContext { .. } => {
                return Some(
                    "the broker's certificate is not valid yet: look at both clocks".to_owned(),
                );
            }
            Bad::UnknownIssuer | Bad::BadSignature => {
                "nobody who is trusted has signed the broker's certificate: name its authority in \
                 `bus.tls.ca_file`"
                    .to_owned()
            }
            Bad::NotValidForName | Bad::NotValidForNameContext { .. } => format!(
                "the broker's certificate is not for `{host}`: reach it by a name that is in the \
                 certificate, or make one for this name"
            ),
            _ => "the broker's certificate can't be used: make it anew".to_owned(),
        },
        rustls::Error::AlertReceived(_) => ended.to_owned(),
        rustls::Error::InvalidMessage(_) => {
            "what answers does not speak TLS: the port for amqps:// is 5671".to_owned()
        }
        _ => "look at the broker's settings of TLS".to_owned(),
    };
    Some(format!("{text}; {remedy}"))
}
