# Two ends of a Linux tray on a session bus, for tests: `watcher` stands in for the desktop (org.kde.StatusNotifierWatcher), shows what an
# item and its menu say and clicks in it; `item` publishes a TrayModel the way a shell does. One JSON object a line, in and out.
import json
import sys

from gi.repository import Gio, GLib

ITEM = 'org.kde.StatusNotifierItem'
WATCHER = 'org.kde.StatusNotifierWatcher'
MENU = 'com.canonical.dbusmenu'
NODE = '(ia{sv}av)'

WATCHER_XML = f'''<node><interface name="{WATCHER}">
  <method name="RegisterStatusNotifierItem"><arg type="s" direction="in"/></method>
  <method name="RegisterStatusNotifierHost"><arg type="s" direction="in"/></method>
  <property name="RegisteredStatusNotifierItems" type="as" access="read"/>
  <property name="IsStatusNotifierHostRegistered" type="b" access="read"/>
  <property name="ProtocolVersion" type="i" access="read"/>
</interface></node>'''
ITEM_XML = f'''<node><interface name="{ITEM}">
  <method name="Activate"><arg type="i" direction="in"/><arg type="i" direction="in"/></method>
  <property name="Category" type="s" access="read"/><property name="Id" type="s" access="read"/>
  <property name="Title" type="s" access="read"/><property name="Status" type="s" access="read"/>
  <property name="IconName" type="s" access="read"/><property name="ToolTip" type="(sa(iiay)ss)" access="read"/>
  <property name="ItemIsMenu" type="b" access="read"/><property name="Menu" type="o" access="read"/>
</interface></node>'''
MENU_XML = f'''<node><interface name="{MENU}">
  <method name="GetLayout"><arg type="i" direction="in"/><arg type="i" direction="in"/><arg type="as" direction="in"/>
    <arg type="u" direction="out"/><arg type="{NODE}" direction="out"/></method>
  <method name="AboutToShow"><arg type="i" direction="in"/><arg type="b" direction="out"/></method>
  <method name="Event"><arg type="i" direction="in"/><arg type="s" direction="in"/><arg type="v" direction="in"/><arg type="u" direction="in"/></method>
  <property name="Version" type="u" access="read"/><property name="Status" type="s" access="read"/>
</interface></node>'''


def say(value):
    print(json.dumps(value, ensure_ascii=False), flush=True)


def listen(handle):
    def on_line(source, _condition):
        line = source.readline()
        if line == '':
            loop.quit()
            return False
        handle(json.loads(line))
        return True
    GLib.io_add_watch(sys.stdin, GLib.PRIORITY_DEFAULT, GLib.IO_IN | GLib.IO_HUP, on_line)


def interface(xml):
    return Gio.DBusNodeInfo.new_for_xml(xml).interfaces[0]


def watch():
    items = []
    bus = Gio.bus_get_sync(Gio.BusType.SESSION)

    def call(item, path, name, method, arguments):
        return bus.call_sync(item[0], path, name, method, arguments, None, Gio.DBusCallFlags.NONE, 10_000, None).unpack()

    def look(item):
        (properties,) = call(item, item[1], 'org.freedesktop.DBus.Properties', 'GetAll', GLib.Variant('(s)', (ITEM,)))
        properties.pop('IconPixmap', None)
        item[2] = properties.get('Menu')
        say({'item': properties})
        return False

    def on_call(_bus, sender, _path, _interface, method, arguments, invocation):
        if method == 'RegisterStatusNotifierItem':
            (service,) = arguments.unpack()
            item = [sender, service, None] if service.startswith('/') else [service, '/StatusNotifierItem', None]
            items.append(item)
            GLib.idle_add(look, item)
        invocation.return_value(None)

    def on_get(_bus, _sender, _path, _interface, name):
        return {'RegisteredStatusNotifierItems': GLib.Variant('as', [''.join(item[:2]) for item in items]),
                'IsStatusNotifierHostRegistered': GLib.Variant('b', True), 'ProtocolVersion': GLib.Variant('i', 0)}[name]

    def tree(node):
        number, properties, children = node
        return {'number': number, **properties, 'children': [tree(child) for child in children]}

    def on_line(command):
        item = items[-1]
        if 'click' in command:
            call(item, item[2], MENU, 'Event', GLib.Variant('(isvu)', (command['click'], 'clicked', GLib.Variant('i', 0), 0)))
        else:
            say({'menu': tree(call(item, item[2], MENU, 'GetLayout', GLib.Variant('(iias)', (0, -1, [])))[1])})

    bus.register_object('/StatusNotifierWatcher', interface(WATCHER_XML), on_call, on_get, None)
    Gio.bus_own_name_on_connection(bus, WATCHER, Gio.BusNameOwnerFlags.NONE, lambda *_: say({'ready': True}), None)
    listen(on_line)


def publish():
    bus = Gio.bus_get_sync(Gio.BusType.SESSION)
    state = {'model': json.loads(sys.stdin.readline()), 'ids': ['']}

    def node(entry):
        number = len(state['ids'])
        state['ids'].append(entry['id'])
        properties = {}
        if entry['kind'] == 'separator':
            properties['type'] = GLib.Variant('s', 'separator')
        else:
            properties['label'] = GLib.Variant('s', entry['label'].replace('_', '__'))
            properties['enabled'] = GLib.Variant('b', entry['kind'] == 'submenu' or entry['action'] is not None)
        if 'mark' in entry:
            properties['toggle-type'] = GLib.Variant('s', {'radio': 'radio', 'checkbox': 'checkmark'}[entry['mark']['type']])
            properties['toggle-state'] = GLib.Variant('i', int(entry['mark']['checked']))
        if entry['kind'] == 'submenu':
            properties['children-display'] = GLib.Variant('s', 'submenu')
        return (number, properties, [GLib.Variant(NODE, node(child)) for child in entry.get('items', [])])

    def on_call(_bus, _sender, _path, _interface, method, arguments, invocation):
        if method == 'GetLayout':
            state['ids'] = ['']
            children = [GLib.Variant(NODE, node(entry)) for entry in state['model']['items']]
            invocation.return_value(GLib.Variant(f'(u{NODE})', (1, (0, {'children-display': GLib.Variant('s', 'submenu')}, children))))
        elif method == 'AboutToShow':
            invocation.return_value(GLib.Variant('(b)', (False,)))
        else:
            invocation.return_value(None)
            if method == 'Event' and arguments[1] == 'clicked':
                say({'clicked': state['ids'][arguments[0]]})

    def on_get(_bus, _sender, _path, _interface, name):
        tooltip = state['model']['tooltip']
        return {'Category': GLib.Variant('s', 'SystemServices'), 'Id': GLib.Variant('s', 'pinlight'), 'Title': GLib.Variant('s', tooltip),
                'Status': GLib.Variant('s', 'Active'), 'IconName': GLib.Variant('s', state['model']['shape']), 'ItemIsMenu': GLib.Variant('b', True),
                'ToolTip': GLib.Variant('(sa(iiay)ss)', ('', [], 'Pinlight', tooltip)), 'Menu': GLib.Variant('o', '/MenuBar'), 'Version': GLib.Variant('u', 3)}[name]

    def register(*_):
        bus.call_sync(WATCHER, '/StatusNotifierWatcher', WATCHER, 'RegisterStatusNotifierItem', GLib.Variant('(s)', (bus.get_unique_name(),)), None,
                      Gio.DBusCallFlags.NONE, 10_000, None)

    bus.register_object('/StatusNotifierItem', interface(ITEM_XML), on_call, on_get, None)
    bus.register_object('/MenuBar', interface(MENU_XML), on_call, on_get, None)
    Gio.bus_watch_name_on_connection(bus, WATCHER, Gio.BusNameWatcherFlags.NONE, register, None)
    listen(lambda model: state.update(model=model))


loop = GLib.MainLoop()
{'watcher': watch, 'item': publish}[sys.argv[1]]()
loop.run()
