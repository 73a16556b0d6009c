<?php
// Beside the plugin in the WordPress of the tests: readers there write faster than people do, and no mail is sent.
add_filter( 'wp_is_comment_flood', '__return_false', 99 );
add_filter( 'pre_wp_mail', '__return_true' );
