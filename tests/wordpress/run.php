<?php
/**
 * Runs a statement within a WordPress, and prints what it returns as JSON.
 *
 *   php run.php /path/to/wordpress 'return get_comment( 7 );'
 */

[ , $wordpress, $code ] = $argv;
if ( $code === 'install' ) {
	define( 'WP_INSTALLING', true );
}
require "$wordpress/wp-load.php";
if ( $code === 'install' ) {
	require_once ABSPATH . 'wp-admin/includes/upgrade.php';
	wp_install( 'Courrier', 'editor', 'editor@courrier.example', true, '', 'a password of the tests' );
	exit;
}
echo json_encode( eval( $code ) );
