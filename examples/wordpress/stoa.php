<?php
/**
 * Plugin Name: Stoa
 * Description: Comments are published once Stoa has approved them. A must-use plugin: copy it to wp-content/mu-plugins/.
 * Version: 1.0
 * Requires at least: 6.0
 * Requires PHP: 8.1
 * License: Apache-2.0
 *
 * In wp-config.php:
 *   define( 'STOA_SITE', 'courrier' );                     the site's id at Stoa
 *   define( 'STOA_SOURCE', 'https://courrier.example/' );  what its events come from; home_url() unless set
 * and either the broker, with php-amqplib:
 *   define( 'STOA_AMQP_URL', 'amqp://platform-courrier:PASSWORD@broker:5672/%2f' );   or amqps://
 *   define( 'STOA_QUEUE', 'platform.courrier' );
 *   define( 'STOA_AMQP_LIBRARY', '/path/to/vendor/autoload.php' );   Debian's is found without
 * or HTTP, where there is no broker to reach:
 *   define( 'STOA_URL', 'https://ingest.example' );
 *   define( 'STOA_TOKEN', '…' );                           of a publisher
 *   define( 'STOA_WEBHOOK_SECRET', 'whsec_…' );            decisions come to /wp-json/stoa/v1/decisions
 *
 * What is to be sent waits in a table until Stoa has it. It is sent, and decisions are taken, by a worker:
 *   php worker.php /path/to/wordpress work      as a service, for ever
 *   php worker.php /path/to/wordpress once      from cron; WordPress' own cron does so each minute, too
 *   php worker.php /path/to/wordpress backlog   sends the articles, and the comments that wait, from before Stoa
 *
 * Three things make it lose nothing and believe nothing twice:
 * - A comment is held before it is kept, and one that was kept without being put on the way is found by the worker.
 * - What waits is deleted once the broker (or ingest) has confirmed it; it may be sent twice, and Stoa takes it once.
 * - Decisions are kept before they are acknowledged. They may come twice, and in any order: of those about the latest
 *   revision the one counts that no other supersedes.
 */

namespace Stoa;

use PhpAmqpLib\Connection\AMQPConnectionConfig;
use PhpAmqpLib\Connection\AMQPConnectionFactory;
use PhpAmqpLib\Exception\AMQPTimeoutException;
use PhpAmqpLib\Message\AMQPMessage;

defined( 'ABSPATH' ) || exit;

const TABLES  = 1;
const SIGNED  = 300; // Seconds that the clock of who signed may differ.
const AT_ONCE = 200; // Events that are sent, and decisions that are taken, at a time.

add_action( 'muplugins_loaded', __NAMESPACE__ . '\tables' );
add_filter( 'pre_comment_approved', __NAMESPACE__ . '\held', 99, 2 );
add_action( 'wp_insert_comment', __NAMESPACE__ . '\submitted', 10, 2 );
add_action( 'edit_comment', __NAMESPACE__ . '\edited' );
add_action( 'trashed_comment', __NAMESPACE__ . '\withdrawn', 10, 2 );
add_action( 'delete_comment', __NAMESPACE__ . '\withdrawn', 10, 2 );
add_action( 'wp_after_insert_post', __NAMESPACE__ . '\article' );
add_action( 'trashed_post', __NAMESPACE__ . '\article' );
add_action( 'before_delete_post', __NAMESPACE__ . '\article_removed' );
add_filter( 'wp_privacy_personal_data_erasers', __NAMESPACE__ . '\erasers' );
add_filter( 'comment_text', __NAMESPACE__ . '\with_reasons', 99, 2 );
add_action( 'rest_api_init', __NAMESPACE__ . '\routes' );
add_filter( 'cron_schedules', fn( $all ) => $all + array( 'stoa' => array( 'interval' => 60, 'display' => 'Each minute' ) ) );
add_action( 'stoa_once', __NAMESPACE__ . '\once' );
add_action( 'init', fn() => wp_installing() || wp_next_scheduled( 'stoa_once' ) || wp_schedule_event( time(), 'stoa', 'stoa_once' ) );

function setting( $name, $default = null ) {
	if ( defined( $name ) ) {
		return constant( $name );
	}
	if ( $default === null ) {
		throw new \RuntimeException( "$name is not set: define it in wp-config.php" );
	}
	return $default;
}

function over_amqp() {
	return defined( 'STOA_AMQP_URL' );
}

/** Makes the two tables, once. */
function tables() {
	global $wpdb;
	if ( wp_installing() || (int) get_option( 'stoa_tables' ) === TABLES ) {
		return;
	}
	$more = 'ENGINE=InnoDB ' . $wpdb->get_charset_collate();
	$wpdb->query( "CREATE TABLE IF NOT EXISTS {$wpdb->prefix}stoa_outbox (n BIGINT UNSIGNED AUTO_INCREMENT PRIMARY KEY, event LONGTEXT NOT NULL) $more" );
	$wpdb->query(
		"CREATE TABLE IF NOT EXISTS {$wpdb->prefix}stoa_decision (id VARCHAR(128) PRIMARY KEY,
		 comment BIGINT UNSIGNED NOT NULL, revision BIGINT UNSIGNED NOT NULL, verdict VARCHAR(16) NOT NULL, spam TINYINT NOT NULL,
		 supersedes VARCHAR(128), statement LONGTEXT, KEY comment (comment, revision)) $more"
	);
	add_option( 'stoa_since', gmdate( 'Y-m-d H:i:s' ) );
	update_option( 'stoa_tables', TABLES );
}

// What happens here becomes events.

/** Nothing is shown before Stoa approved it, but for what those write who may approve it themselves. */
function held( $approved, $comment ) {
	if ( is_wp_error( $approved ) || in_array( $approved, array( 'spam', 'trash' ), true ) || ! in_array( $comment['comment_type'] ?? '', array( '', 'comment' ), true ) ) {
		return $approved;
	}
	return user_can( (int) ( $comment['user_id'] ?? 0 ), 'moderate_comments' ) ? $approved : 0;
}

function submitted( $id, $comment ) {
	if ( $comment->comment_type === 'comment' && in_array( $comment->comment_approved, array( '0', '1' ), true ) ) {
		send_comment( $comment, 1 );
	}
}

function edited( $id ) {
	$revision = (int) get_comment_meta( $id, 'stoa_revision', true );
	$comment  = get_comment( $id );
	if ( $revision && digest( $comment ) !== get_comment_meta( $id, 'stoa_digest', true ) ) {
		send_comment( $comment, $revision + 1 );
	}
}

/** A comment that somebody here deleted. What Stoa's decisions put into the trash comes here, too, and is known. */
function withdrawn( $id, $comment ) {
	if ( applying() || ! get_comment_meta( $id, 'stoa_revision', true ) || get_comment_meta( $id, 'stoa_withdrawn', true ) ) {
		return;
	}
	$data = array( 'article' => (string) $comment->comment_post_ID, 'comment' => (string) $id, 'withdrawn_at' => now() );
	put( 'comment.withdrawn', "comment/$id/withdrawn", $data );
	update_comment_meta( $id, 'stoa_withdrawn', 1 );
}

function digest( $comment ) {
	return hash( 'sha256', "$comment->comment_date_gmt $comment->comment_content" );
}

function send_comment( $comment, $revision ) {
	$id = (int) $comment->comment_ID;
	if ( ! get_post_meta( $comment->comment_post_ID, 'stoa_sent', true ) ) {
		article( (int) $comment->comment_post_ID );
	}
	$data = array(
		'article'      => (string) $comment->comment_post_ID,
		'comment'      => (string) $id,
		'parent'       => (int) $comment->comment_parent ? (string) $comment->comment_parent : null,
		'revision'     => $revision,
		'author'       => author( $comment ),
		'body'         => wpautop( $comment->comment_content ),
		'format'       => 'html',
		'submitted_at' => $revision === 1 ? gmt( $comment->comment_date_gmt ) : now(),
		'url'          => get_comment_link( $comment ),
	);
	// The event first: a comment of which only the revision was written would never be sent.
	$digest = digest( $comment );
	put( $revision === 1 ? 'comment.submitted' : 'comment.edited', "comment/$id/$revision/" . substr( $digest, 0, 12 ), $data );
	update_comment_meta( $id, 'stoa_digest', $digest );
	update_comment_meta( $id, 'stoa_revision', $revision );
}

/** Who wrote it. Guests are told apart by their e-mail address, which does not leave this place. */
function author( $comment ) {
	$user = get_userdata( (int) $comment->user_id );
	if ( ! $user ) {
		return array( 'id' => guest( $comment->comment_author_email ?: $comment->comment_author ), 'display_name' => $comment->comment_author );
	}
	$role = $user->has_cap( 'moderate_comments' ) ? 'moderator' : ( $user->has_cap( 'edit_posts' ) ? 'staff' : 'reader' );
	return array( 'id' => "user-{$user->ID}", 'display_name' => $comment->comment_author, 'joined_at' => gmt( $user->user_registered ), 'role' => $role );
}

function guest( $email ) {
	return 'guest-' . substr( hash_hmac( 'sha256', strtolower( trim( $email ) ), wp_salt( 'secure_auth' ) ), 0, 32 );
}

function article( $id ) {
	$post = get_post( $id );
	if ( ! $post || wp_is_post_revision( $id ) || ! post_type_supports( $post->post_type, 'comments' ) ) {
		return;
	}
	$sent = get_post_meta( $id, 'stoa_sent', true );
	if ( $post->post_status !== 'publish' ) {
		article_removed( $id );
		return;
	}
	$data = array(
		'article'      => (string) $id,
		'url'          => get_permalink( $id ),
		'title'        => html_entity_decode( get_the_title( $id ), ENT_QUOTES, 'UTF-8' ),
		'body'         => wpautop( strip_shortcodes( $post->post_content ) ),
		'format'       => 'html',
		'authors'      => array_values( array_filter( array( get_the_author_meta( 'display_name', $post->post_author ) ) ) ),
		'published_at' => gmt( $post->post_date_gmt ),
		'updated_at'   => gmt( $post->post_modified_gmt ),
		'comments'     => array( 'open' => comments_open( $id ), 'members_only' => (bool) get_option( 'comment_registration' ), 'count' => (int) $post->comment_count ),
	);
	put( $sent ? 'article.updated' : 'article.published', null, $data );
	update_post_meta( $id, 'stoa_sent', 1 );
}

function article_removed( $id ) {
	if ( get_post_meta( $id, 'stoa_sent', true ) ) {
		put( 'article.removed', null, array( 'article' => (string) $id, 'removed_at' => now() ) );
		delete_post_meta( $id, 'stoa_sent' );
	}
}

/** WordPress' own tool to erase a person's data asks Stoa for it, too. */
function erasers( $erasers ) {
	$erasers['stoa'] = array(
		'eraser_friendly_name' => 'Stoa',
		'callback'             => function ( $email ) {
			$user = get_user_by( 'email', $email );
			foreach ( array_filter( array( guest( $email ), $user ? "user-{$user->ID}" : null ) ) as $author ) {
				put( 'author.erased', null, array( 'author' => $author, 'scope' => 'all', 'legal_basis' => 'GDPR Art. 17', 'requested_at' => now() ) );
			}
			return array( 'items_removed' => true, 'items_retained' => false, 'messages' => array(), 'done' => true );
		},
	);
	return $erasers;
}

/** Puts an event on its way. What is said twice under the same `$name` is one event. */
function put( $kind, $name, $data ) {
	global $wpdb;
	$source = setting( 'STOA_SOURCE', home_url( '/' ) );
	$event  = array(
		'specversion'     => '1.0',
		'id'              => $name ?? wp_generate_uuid4(),
		'source'          => $source,
		'type'            => "stoa.$kind.v1",
		'datacontenttype' => 'application/json',
		'time'            => $data['submitted_at'] ?? now(),
		'data'            => array( 'site' => setting( 'STOA_SITE' ) ) + $data,
	);
	$json = wp_json_encode( $event, JSON_UNESCAPED_UNICODE | JSON_UNESCAPED_SLASHES );
	if ( $json === false || $wpdb->insert( "{$wpdb->prefix}stoa_outbox", array( 'event' => $json ) ) === false ) {
		// The comment stays held, and the worker finds it.
		error_log( "stoa: an event $kind could not be kept: " . ( $json === false ? json_last_error_msg() : $wpdb->last_error ) );
	}
}

function now() {
	return gmdate( 'Y-m-d\TH:i:s\Z' );
}

function gmt( $time ) {
	return str_replace( ' ', 'T', $time ) . 'Z';
}

// The worker: what waits is sent, and what was decided is taken.

/** What worker.php does. */
function main( $command ) {
	switch ( $command ) {
		case 'once':
			return once() ? 0 : 1;
		case 'work':
			work();
		case 'backlog':
			backlog();
			return 0;
		default:
			fwrite( STDERR, "usage: worker.php /path/to/wordpress work|once|backlog\n" );
			return 2;
	}
}

/** Sends and takes for ever. After an interruption it begins again. */
function work() {
	for ( $wait = 1; ; ) {
		if ( once( 1 ) ) {
			$wait = 1;
			over_amqp() || sleep( 1 );
		} else {
			sleep( $wait );
			$wait = min( 2 * $wait, 30 );
		}
	}
}

/** Sends what waits and takes what was decided, until none came for `$quiet` seconds. */
function once( $quiet = 0.2 ) {
	global $wpdb;
	// One at a time, so that nothing overtakes; another one that works has this done.
	$lock = $wpdb->prefix . 'stoa';
	if ( ! $wpdb->get_var( $wpdb->prepare( 'SELECT GET_LOCK(%s, 0)', $lock ) ) ) {
		return true;
	}
	try {
		found();
		if ( over_amqp() ) {
			relay( __NAMESPACE__ . '\publish' );
			listen( $quiet );
		} else {
			relay( __NAMESPACE__ . '\post' );
		}
		return true;
	} catch ( \Throwable $error ) {
		error_log( 'stoa: ' . $error->getMessage() );
		channel( true );
		return false;
	} finally {
		$wpdb->query( $wpdb->prepare( 'DO RELEASE_LOCK(%s)', $lock ) );
		// What another process writes meanwhile is to be seen.
		wp_cache_flush_runtime();
	}
}

/** Puts comments on their way that were kept in the moment of a crash. */
function found() {
	$lost = array( 'status' => 'hold', 'type' => 'comment', 'number' => AT_ONCE, 'orderby' => 'comment_ID', 'order' => 'ASC', 'date_query' => array( array( 'column' => 'comment_date_gmt', 'after' => get_option( 'stoa_since' ), 'inclusive' => true ) ), 'meta_query' => array( array( 'key' => 'stoa_revision', 'compare' => 'NOT EXISTS' ) ) );
	foreach ( get_comments( $lost ) as $comment ) {
		send_comment( $comment, 1 );
	}
}

/** Sends the articles with open comments, and the comments that wait for approval here since before Stoa. */
function backlog() {
	foreach ( get_posts( array( 'numberposts' => -1, 'post_type' => get_post_types_by_support( 'comments' ), 'fields' => 'ids' ) ) as $id ) {
		if ( comments_open( $id ) && ! get_post_meta( $id, 'stoa_sent', true ) ) {
			article( $id );
		}
	}
	foreach ( get_comments( array( 'status' => 'hold', 'type' => 'comment', 'orderby' => 'comment_ID', 'order' => 'ASC' ) ) as $comment ) {
		get_comment_meta( $comment->comment_ID, 'stoa_revision', true ) || send_comment( $comment, 1 );
	}
}

/** Hands what waits to `$send`, oldest first, and forgets it once that returned. */
function relay( $send ) {
	global $wpdb;
	$table = "{$wpdb->prefix}stoa_outbox";
	while ( $rows = $wpdb->get_results( $wpdb->prepare( "SELECT n, event FROM $table ORDER BY n LIMIT %d", AT_ONCE ) ) ) {
		$send( wp_list_pluck( $rows, 'event' ) );
		$wpdb->query( $wpdb->prepare( "DELETE FROM $table WHERE n <= %d", end( $rows )->n ) );
	}
}

/** The channel on which is published and consumed, until it `$failed`. */
function channel( $failed = false ) {
	static $open = null;
	if ( $failed || $open ) {
		$open = $failed ? null : $open;
		return $open;
	}
	require_once setting( 'STOA_AMQP_LIBRARY', '/usr/share/php/PhpAmqpLib/autoload.php' );
	$url    = parse_url( setting( 'STOA_AMQP_URL' ) );
	$secure = $url['scheme'] === 'amqps';
	$config = new AMQPConnectionConfig();
	$config->setHost( $url['host'] );
	$config->setPort( $url['port'] ?? ( $secure ? 5671 : 5672 ) );
	$config->setUser( rawurldecode( $url['user'] ) );
	$config->setPassword( rawurldecode( $url['pass'] ) );
	$config->setVhost( rawurldecode( substr( $url['path'] ?? '', 1 ) ) ?: '/' );
	$config->setConnectionTimeout( 5 );
	$config->setReadTimeout( 30 );
	$config->setWriteTimeout( 30 );
	if ( $secure ) {
		$config->setIsSecure( true );
		$config->setSslVerify( true );
		$config->setSslVerifyName( true );
		defined( 'STOA_AMQP_CA' ) && $config->setSslCaCert( STOA_AMQP_CA );
	}
	$channel = AMQPConnectionFactory::create( $config )->channel();
	$channel->confirm_select();
	$channel->basic_qos( 0, AT_ONCE, false );
	$channel->basic_consume( setting( 'STOA_QUEUE' ), '', false, false, false, false, __NAMESPACE__ . '\came' );
	return $open = $channel;
}

/** Returns once the broker has all of it in a queue, and on its disks. */
function publish( $events ) {
	$channel = channel();
	$lost    = null;
	$channel->set_nack_handler( function () use ( &$lost ) {
		$lost = 'the broker did not take an event';
	} );
	$channel->set_return_listener( function ( $code, $text ) use ( &$lost ) {
		$lost = "the broker has no queue for an event: $text";
	} );
	foreach ( $events as $event ) {
		$channel->basic_publish( new AMQPMessage( $event, array( 'content_type' => 'application/cloudevents+json', 'delivery_mode' => 2 ) ), 'stoa.inbox', '', true );
	}
	$channel->wait_for_pending_acks_returns( 30 );
	if ( $lost ) {
		throw new \RuntimeException( $lost );
	}
}

/** Takes decisions until none comes for `$quiet` seconds, for a moment at most: what waits is to be sent, too. */
function listen( $quiet ) {
	$channel = channel();
	$until   = microtime( true ) + 5;
	try {
		while ( $channel->is_consuming() ) {
			if ( microtime( true ) > $until ) {
				return;
			}
			$channel->wait( null, false, $quiet );
		}
	} catch ( AMQPTimeoutException $none ) {
		return;
	}
	throw new \RuntimeException( 'the broker has cancelled the consumer: is there the queue ' . setting( 'STOA_QUEUE' ) . '?' );
}

/** A message with one event, or several. */
function came( $message ) {
	$events = json_decode( $message->getBody(), true, 512, JSON_THROW_ON_ERROR );
	foreach ( array_is_list( $events ) ? $events : array( $events ) as $event ) {
		take( $event );
	}
	$message->ack();
}

/** Sends over HTTP. What ingest refuses will never be taken, and is told in the log. */
function post( $events ) {
	$answer = wp_remote_post(
		rtrim( setting( 'STOA_URL' ), '/' ) . '/v1/events',
		array(
			'timeout' => 30,
			'headers' => array( 'Content-Type' => 'application/cloudevents-batch+json', 'Authorization' => 'Bearer ' . setting( 'STOA_TOKEN' ) ),
			'body'    => '[' . implode( ',', $events ) . ']',
		)
	);
	if ( is_wp_error( $answer ) ) {
		throw new \RuntimeException( $answer->get_error_message() );
	}
	if ( wp_remote_retrieve_response_code( $answer ) !== 202 ) {
		throw new \RuntimeException( 'ingest answered ' . wp_remote_retrieve_response_code( $answer ) . ': ' . wp_remote_retrieve_body( $answer ) );
	}
	foreach ( json_decode( wp_remote_retrieve_body( $answer ), true )['rejected'] as $refused ) {
		error_log( "stoa: refused: {$refused['code']} {$refused['field']}: {$refused['message']}" );
	}
}

// Decisions come over HTTP as Standard Webhooks.

function routes() {
	register_rest_route( 'stoa/v1', '/decisions', array( 'methods' => 'POST', 'callback' => __NAMESPACE__ . '\webhook', 'permission_callback' => '__return_true' ) );
}

function webhook( $request ) {
	if ( ! signed( $request->get_header( 'webhook-id' ), $request->get_header( 'webhook-timestamp' ), $request->get_header( 'webhook-signature' ), $request->get_body() ) ) {
		return new \WP_Error( 'stoa_signature', 'The signature is wrong or too old.', array( 'status' => 401 ) );
	}
	$event = json_decode( $request->get_body(), true );
	if ( ! is_array( $event ) || ! isset( $event['type'], $event['data'] ) ) {
		return new \WP_Error( 'stoa_event', 'The body is no event.', array( 'status' => 400 ) );
	}
	take( $event );
	return new \WP_REST_Response( null, 204 );
}

/** Whether one of the signatures is ours, as https://www.standardwebhooks.com has it. */
function signed( $id, $timestamp, $signatures, $body ) {
	$secret = base64_decode( substr( setting( 'STOA_WEBHOOK_SECRET', '' ), strlen( 'whsec_' ) ) );
	if ( strlen( $secret ) < 24 || ! ctype_digit( (string) $timestamp ) || abs( time() - (int) $timestamp ) > SIGNED ) {
		return false;
	}
	$ours = 'v1,' . base64_encode( hash_hmac( 'sha256', "$id.$timestamp.$body", $secret, true ) );
	foreach ( explode( ' ', (string) $signatures ) as $signature ) {
		if ( hash_equals( $ours, $signature ) ) {
			return true;
		}
	}
	return false;
}

/** Keeps a decision, and has the comment follow the one that stands. A decision that is known changes nothing. */
function take( $event ) {
	global $wpdb;
	$data = $event['data'];
	if ( $event['type'] === 'stoa.event.rejected.v1' ) {
		error_log( "stoa: refused: {$data['code']} " . ( $data['field'] ?? '' ) . ": {$data['message']}" );
	}
	if ( $event['type'] !== 'stoa.comment.decided.v1' || $data['site'] !== setting( 'STOA_SITE' ) || ! ctype_digit( $data['comment'] ) ) {
		return;
	}
	$kept = $wpdb->query(
		$wpdb->prepare(
			"INSERT IGNORE INTO {$wpdb->prefix}stoa_decision VALUES (%s, %d, %d, %s, %d, NULLIF(%s, ''), NULLIF(%s, ''))",
			$data['decision'],
			$data['comment'],
			$data['revision'],
			$data['verdict'],
			in_array( 'spam', $data['labels'], true ),
			$data['supersedes'] ?? '',
			isset( $data['statement'] ) ? wp_json_encode( $data['statement'], JSON_UNESCAPED_UNICODE ) : ''
		)
	);
	if ( $kept === false ) {
		throw new \RuntimeException( "a decision could not be kept: $wpdb->last_error" );
	}
	apply( (int) $data['comment'] );
}

/** The decision about a comment as it is now. */
function stands( $id ) {
	global $wpdb;
	return $wpdb->get_row(
		$wpdb->prepare(
			"SELECT verdict, spam, statement FROM {$wpdb->prefix}stoa_decision AS d WHERE comment = %d AND revision = %d
			 AND NOT EXISTS (SELECT 1 FROM {$wpdb->prefix}stoa_decision AS later WHERE later.supersedes = d.id)",
			$id,
			get_comment_meta( $id, 'stoa_revision', true )
		)
	);
}

function apply( $id ) {
	$comment  = get_comment( $id );
	$decision = stands( $id );
	// Who deleted their comment does not get it back.
	if ( ! $comment || ! $decision || get_comment_meta( $id, 'stoa_withdrawn', true ) ) {
		return;
	}
	$status = array( 'approve' => 'approve', 'hold' => 'hold', 'reject' => $decision->spam ? 'spam' : 'trash' )[ $decision->verdict ] ?? 'hold';
	if ( wp_get_comment_status( $id ) !== ( array( 'approve' => 'approved', 'hold' => 'unapproved' )[ $status ] ?? $status ) ) {
		applying( true );
		wp_set_comment_status( $id, $status );
		applying( false );
	}
	/** What else is to follow, such as a message to the author with the statement of reasons. */
	do_action( 'stoa_decided', $comment, $decision->verdict, $decision->statement ? json_decode( $decision->statement, true ) : null );
}

/** Whether a decision is being applied. */
function applying( $set = null ) {
	static $now = false;
	return $set === null ? $now : $now = $set;
}

/** Moderators see beside a comment why it is not published. */
function with_reasons( $text, $comment = null ) {
	if ( ! is_admin() || ! $comment ) {
		return $text;
	}
	$decision  = stands( $comment->comment_ID );
	$statement = $decision && $decision->statement ? json_decode( $decision->statement, true ) : null;
	return $statement ? $text . '<p><em>Stoa: ' . esc_html( $statement['facts'] ) . '</em></p>' : $text;
}
