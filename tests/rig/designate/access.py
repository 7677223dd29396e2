"""Says each request in the log: who asked what, and the answer's status."""


def logged(app):
    def call(environ, start_response):
        def start(status, *rest):
            query = environ.get('QUERY_STRING')
            print('access %s %s %s%s %s' % (
                environ.get('REMOTE_ADDR'), environ['REQUEST_METHOD'],
                environ.get('SCRIPT_NAME', '') + environ.get('PATH_INFO', ''),
                '?' + query if query else '', status.split(' ')[0]), flush=True)
            return start_response(status, *rest)
        return app(environ, start)
    return call
