"""Where the tutorial's socket is."""

from django.urls import re_path

from tutorial.consumers import ChatConsumer

websocket_urlpatterns = [re_path(r"ws/chat/(?P<room_name>\w+)/$", ChatConsumer.as_asgi())]
