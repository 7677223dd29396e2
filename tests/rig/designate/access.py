"""Writes each request down: who asked what, and the answer's status."""
import os


def logged(app, path):
    # A file of its own and one write for each line: what several threads say stays apart.
    file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)

    def call(environ, start_response):
        def start(status, *rest):
            query = environ.get('QUERY_STRING')
            os.write(file, ('%s %s %s%s %s\n' % (
                environ.get('REMOTE_ADDR'), environ['REQUEST_METHOD'],
                environ.get('SCRIPT_NAME', '') + environ.get('PATH_INFO', ''),
                '?' + query if query else '', status.split(' ')[0])).encode())
            return start_response(status, *rest)
        return app(environ, start)
    return call
