<?php
// A backend for dialect `raw`, where clients choose their ids: a letter box between them, on PHP's built-in server, which
// serves one request at a time and keeps nothing between two of them. Run it:
//
//   php -S 127.0.0.1:3000 examples/raw/backend.php
//   ROUTES_FILE=examples/raw/routes.yaml npm start      # then connect to ws://127.0.0.1:8080/alice and …/bob
//
// "bob: hello" from alice sends "alice: hello" to bob, and the answer tells alice what came of it.

/** Pushes one frame to the client with this id; the gateway's answer is plain text. */
function push(string $id, string $text): string
{
    $gateway = 'http://' . dirname($_SERVER['HTTP_WS_URI']); // WS-URI is <gateway>/<id of the client that this request is about>
    $context = stream_context_create(['http' => [
        'method' => 'POST',
        'header' => 'Content-Type: text/plain; charset=utf-8',
        'content' => $text,
        'ignore_errors' => true,
        'timeout' => 5,
    ]]);
    $answer = @file_get_contents($gateway . '/' . rawurlencode($id), false, $context);
    return $answer === false ? 'the gateway could not be asked' : $answer;
}

header('Content-Type: text/plain; charset=utf-8');
$path = parse_url($_SERVER['REQUEST_URI'], PHP_URL_PATH);
$id = rawurldecode(substr($path, strrpos($path, '/') + 1));
$body = file_get_contents('php://input');

switch ($_SERVER['REQUEST_METHOD']) {
    case 'GET': // it wants in: exactly `ok` accepts
        echo str_starts_with($id, 'guest') ? 'no guests' : 'ok';
        break;
    case 'POST': // it sent a message: a body that is not empty goes back to it
        [$to, $text] = array_pad(explode(': ', $body, 2), 2, null);
        echo $text === null ? 'Write "<id>: <text>".' : "$to: " . push($to, "$id: $text");
        break;
    case 'DELETE': // it left: the body says why, EOF where it just dropped
        error_log("$id left: $body");
        break;
    default:
        http_response_code(405);
}
