<?php
/**
 * A WordPress site for the live tests, in front of a copy of WordPress itself (SITE_ROOT).
 *
 * By `php wordpress_site.php install ADDRESS` it makes the site; by `php -S HOST:PORT -t SITE_ROOT wordpress_site.php`
 * it serves it. Besides the site it answers `POST /seed/` with a JSON object: `do` names one of the verbs below.
 */

$root = getenv( 'SITE_ROOT' );

if ( PHP_SAPI === 'cli' ) {
	define( 'WP_INSTALLING', true );
	$_SERVER['HTTP_HOST'] = parse_url( $argv[2], PHP_URL_HOST ) . ':' . parse_url( $argv[2], PHP_URL_PORT );
	require $root . '/wp-load.php';
	require_once ABSPATH . 'wp-admin/includes/upgrade.php';
	wp_install( 'Hillcrest', 'office', 'office@example.test', true, '', 'not-a-secret-1' );
	update_option( 'permalink_structure', '/%postname%/' );
	update_option( 'comment_moderation', '0' );
	exit( 0 );
}

register_shutdown_function(
	function () {
		$line = http_response_code() . ' ' . $_SERVER['REQUEST_METHOD'] . ' ' . $_SERVER['REQUEST_URI'] . "\n";
		file_put_contents( getenv( 'SITE_LOG' ), $line, FILE_APPEND | LOCK_EX );
	}
);
$path = parse_url( $_SERVER['REQUEST_URI'], PHP_URL_PATH );
if ( $path === '/seed/' ) {
	require $root . '/wp-load.php';
	$asked = json_decode( file_get_contents( 'php://input' ), true );
	header( 'Content-Type: application/json' );
	echo json_encode( seed( $asked ) );
	return true;
}
if ( $path !== '/' && is_file( $root . $path ) ) {
	return false;
}
$_SERVER['SCRIPT_NAME'] = '/index.php';
$_SERVER['PHP_SELF']    = '/index.php';
require $root . '/index.php';
return true;

function seed( $asked ) {
	switch ( $asked['do'] ) {
		case 'posts':
			$made = array();
			foreach ( $asked['titles'] as $number => $title ) {
				$made[] = wp_insert_post(
					array(
						'post_title'   => $title,
						'post_content' => $asked['content'],
						'post_status'  => $asked['status'] ?? 'publish',
						'post_author'  => 1,
						// Several in one second, as an import makes them.
						'post_date'    => gmdate( 'Y-m-d H:i:s', time() - ( $asked['ago'] ?? 3600 ) + intdiv( $number, 3 ) ),
					)
				);
			}
			return array( 'posts' => $made );
		case 'edit':
			return array( 'post' => wp_update_post( array( 'ID' => $asked['post'], 'post_content' => $asked['content'] ) ) );
		case 'trash':
			return array( 'post' => wp_trash_post( $asked['post'] ) !== false );
		case 'comments':
			$made = array();
			foreach ( $asked['texts'] as $text ) {
				$made[] = wp_insert_comment(
					array(
						'comment_post_ID'      => $asked['post'],
						'comment_parent'       => $asked['parent'] ?? 0,
						'comment_author'       => 'A parent',
						'comment_author_email' => 'parent@example.test',
						'comment_content'      => $text,
						'comment_approved'     => $asked['approved'] ?? 1,
					)
				);
			}
			return array( 'comments' => $made );
		case 'approve':
			return array( 'done' => wp_set_comment_status( $asked['comment'], 'approve' ) );
		case 'delete_comment':
			return array( 'done' => wp_delete_comment( $asked['comment'], true ) );
		case 'password':
			$made = WP_Application_Passwords::create_new_application_password( 1, array( 'name' => 'watcher' . wp_rand() ) );
			return array( 'password' => $made[0] );
		case 'option':
			update_option( $asked['name'], $asked['value'] );
			if ( $asked['name'] === 'permalink_structure' ) {
				$GLOBALS['wp_rewrite']->set_permalink_structure( $asked['value'] );
			}
			flush_rewrite_rules( false );
			return array( 'done' => true );
	}
	http_response_code( 400 );
	return array();
}
