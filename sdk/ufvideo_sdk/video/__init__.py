"""Where frames come from: videos, pictures and arrays, and the clip a session looks at."""
