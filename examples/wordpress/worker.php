<?php
/**
 * Sends what waits, and takes what was decided, for the plugin stoa.php: it says when and how. It may stand anywhere.
 *
 *   php worker.php /path/to/wordpress work|once|backlog
 */

PHP_SAPI === 'cli' || exit;
ini_set( 'display_errors', 'stderr' );
$load = ( $argv[1] ?? '' ) . '/wp-load.php';
if ( ! is_file( $load ) ) {
	fwrite( STDERR, "usage: worker.php /path/to/wordpress work|once|backlog\n" );
	exit( 2 );
}
require $load;
if ( ! function_exists( 'Stoa\main' ) ) {
	fwrite( STDERR, "stoa.php is not in wp-content/mu-plugins of this WordPress\n" );
	exit( 1 );
}
exit( Stoa\main( $argv[2] ?? '' ) );
