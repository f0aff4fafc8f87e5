<?php
// An echo backend for dialect `wsaas` on PHP's built-in server, which serves one request at a time and keeps nothing
// between two of them. It pushes from inside its handlers, even while the client is still being let in. Run it:
//
//   php -S 127.0.0.1:3000 examples/php/backend.php
//   API_URI=http://127.0.0.1:3000 npm start         # then connect any WebSocket client to ws://127.0.0.1:8080/
//
// What a client sends comes back; "bye" closes its connection.

/** A command to the gateway about one connection. Returns the HTTP status. */
function command(string $method, string $url, string $body = ''): int
{
    $context = stream_context_create(['http' => [
        'method' => $method,
        'header' => 'Content-Type: text/plain; charset=utf-8',
        'content' => $body,
        'ignore_errors' => true,
        'timeout' => 5,
    ]]);
    if (@file_get_contents($url, false, $context) === false) return 0;
    return (int) explode(' ', $http_response_header[0])[1];
}

function answer(int $status, array $body): void
{
    http_response_code($status);
    header('Content-Type: application/json');
    echo json_encode($body);
}

$client = 'http://' . ($_SERVER['HTTP_WS_URI'] ?? '');
$message = file_get_contents('php://input');

switch ($_SERVER['REQUEST_METHOD']) {
    case 'POST': // open: 202, the frame goes out once the client is in
        $status = command('PUT', $client, 'Welcome from PHP');
        error_log("open: the early push was answered $status");
        answer(200, ['code' => 'OK', 'tags' => ['language' => 'php']]);
        break;
    case 'PUT': // message
        $status = $message === 'bye' ? command('DELETE', "$client?code=4001&reason=bye") : command('PUT', $client, "You said: $message");
        error_log("message: the command was answered $status");
        answer(200, ['code' => 'OK']);
        break;
    case 'DELETE': // close
        error_log("close: code {$_SERVER['HTTP_WS_CLOSE_CODE']}, tags {$_SERVER['HTTP_WS_TAGS']}");
        answer(200, ['code' => 'OK']);
        break;
    default:
        answer(405, ['code' => 'UNKNOWN']);
}
